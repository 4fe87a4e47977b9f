import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, listWords } from '../diagnosis-words.js';

export const slowStartAfterIdle: Rule = {
  id: 'slow-start-after-idle',
  level: 'info',
  confidence: 'medium',
  owner: 'server',
  title: 'After a pause answers start slowly again',
  prose:
    'The connection had carried much at once before. After a pause the sender began with a few packets again and waited a round trip ' +
    'before it dared more, as on a new connection. Linux does this by default after a pause of about a fifth of a second. On a long way to ' +
    'the server it takes away a good part of what keeping the connection saves.',
  notToConfuseWith:
    'A server that produces its answer piece by piece: there the pieces do not grow, or do not come a round trip apart.',
  fixes: [
    {
      for: 'Linux server',
      setting: 'net.ipv4.tcp_slow_start_after_idle = 0',
      why: 'the connection keeps what it had learned of the path',
    },
  ],
  asks: ['held-back'],
  onConnection: ({ id, writing }) => {
    const found = writing?.slowStart ?? null;
    if (found === null) return null;
    const { count, delayNs, flights, largestBefore, idleNs, packets } = found;
    return {
      count,
      delayNs,
      packets,
      text: () =>
        `For example connection #${id} after ${durationWords(idleNs)} of idleness (packet ${packets[0]}): flights of ${listWords(flights.map(String))} bytes, a round trip apart; before, ${largestBefore} bytes had gone at once.`,
    };
  },
  sum: ({ count, delayNs }) => `${counted(count, 'answer')} started slowly, about ${durationWords(delayNs)} together.`,
};
