import type { Rule } from '../diagnosis-rule.js';
import { durationWords } from '../diagnosis-words.js';

export const timeoutsInOrder: Rule = {
  id: 'timeouts-in-order',
  level: 'good',
  confidence: 'medium',
  owner: 'client',
  title: 'The client lets go of idle connections before the server does',
  prose:
    'The client closes connections that have been idle for a while, and it does so clearly earlier than the server would. So no request of ' +
    'its can meet a close for idleness. This is the right order of timeouts.',
  notToConfuseWith: 'A client that closes right behind each answer: it never has an idle connection (churn).',
  fixes: [],
  noFix: 'There is nothing to repair.',
  asksPair: { count: 'idleClosesByClient', least: 2 },
  onPair: (pair) => {
    const measured = pair.server.idleTimeout();
    const announced = pair.server.announcedSeconds();
    const serverNs = measured?.value ?? (announced === null ? null : announced * 1e9);
    if (serverNs === null) return null;
    const limit = pair.idleLimit();
    if (limit === null || limit.value >= 0.95 * serverNs) return null;
    return {
      packets: pair.recent
        .filter(({ by, why }) => by === 'client' && why === 'idle')
        .slice(0, 10)
        .map(({ endPacket }) => endPacket),
      connections: pair.recent
        .filter(({ by, why }) => by === 'client' && why === 'idle')
        .slice(0, 20)
        .map(({ id }) => id),
      count: limit.count,
      text: () =>
        `Client ${pair.clientAddress} closes after ${durationWords(limit.value)} idle; the server ${measured === null ? 'announces' : 'closes after'} ${durationWords(serverNs)}: a margin of ${durationWords(serverNs - limit.value)}.`,
    };
  },
  sum: () => '',
};
