import type { Rule } from '../diagnosis-rule.js';
import { counted, countWords, durationWords } from '../diagnosis-words.js';
import { closeOfServer } from '../encrypted-use.js';
import { keepIdleLonger, letGoEarlier } from '../fixes.js';

/** More than the farewell of a client. */
const leastLostBytes = 80;
/** A connection idle for less can hardly be closed for idleness. */
const leastIdleNs = 10e6;

export const tlsStaleReuse: Rule = {
  id: 'tls-stale-reuse',
  level: 'bad',
  confidence: 'high',
  owner: 'server',
  title: 'Data was sent into TLS connections that the server was closing',
  prose:
    'The connection is encrypted, but its packets show this much: it had been used, then it was idle, the server closed it, and what the ' +
    'client sent next met that close and got no answer. With HTTPS that is a lost request (ECONNRESET, “socket hang up”, or a 502 ' +
    'from a proxy). Two timers are in the wrong order: whoever sends requests must stop using an idle connection before whoever ' +
    'receives them closes it.',
  notToConfuseWith:
    'The short farewell (an alert) that a client sends when the server closes; it is not counted. The same without encryption, where the ' +
    'request can be read, is stale-reuse or reuse-after-fin.',
  fixes: [...keepIdleLonger, ...letGoEarlier],
  endings: ['other-protocol-end'],
  asks: ['encrypted-unanswered'],
  onConnection: ({ id, closing, encrypted }, { sound }) => {
    if (!sound || encrypted === null) return null;
    const { askedAt, idleBeforeNs, isAnswered, answeredTurns } = encrypted;
    if (askedAt === null || isAnswered || answeredTurns === 0 || idleBeforeNs < leastIdleNs) return null;
    const closedAt = closeOfServer(closing, encrypted);
    if (closedAt === null || (askedAt.atNs <= closedAt.atNs && closing.unacknowledgedByServer < leastLostBytes)) return null;
    const { first, finAcknowledged, reset } = closing;
    const knew = first?.from === 'server' && finAcknowledged !== null && askedAt.atNs >= finAcknowledged.atNs;
    return {
      owner: knew ? 'client' : 'server',
      confidence: reset?.from === 'server' ? 'high' : 'medium',
      packets: [closedAt.packet, askedAt.packet].sort((a, b) => a - b),
      fixes: () => (knew ? letGoEarlier : tlsStaleReuse.fixes),
      text: () => {
        const news = knew ? ', which the client’s machine had acknowledged' : '';
        return `For example connection #${id}: what was sent after ${durationWords(idleBeforeNs)} of idleness (packet ${askedAt.packet}) met the server’s close (packet ${closedAt.packet})${news}.`;
      },
    };
  },
  sum: ({ count, sureCount, connections }) => {
    const unsure = sureCount < count ? `, ${countWords(sureCount)} of them beyond doubt` : '';
    return `On ${countWords(count)} of ${counted(connections, 'connection')} the last that the client sent met the server’s close${unsure}.`;
  },
};
