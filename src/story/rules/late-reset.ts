import type { Rule } from '../diagnosis-rule.js';
import { counted } from '../diagnosis-words.js';

export const lateReset: Rule = {
  id: 'late-reset',
  level: 'info',
  confidence: 'high',
  owner: 'client',
  title: 'Resets came after both sides had closed',
  prose:
    'Both sides had closed the connection in order, and then one of them sent a reset as well. It changes nothing: everything was ' +
    'delivered, and some programs and systems close that way on purpose (to avoid TIME_WAIT). Monitoring that counts resets counts ' +
    'these too.',
  notToConfuseWith: 'A reset that ends a connection (forged-reset, stale-reuse, response-cut).',
  fixes: [],
  noFix: 'There is nothing to repair.',
  hidden: true,
  asks: ['reset'],
  onConnection: ({ id, closing }) => {
    const { reset, clientFin, serverFin } = closing;
    if (reset === null || clientFin === null || serverFin === null) return null;
    if (reset.at.atNs < clientFin.atNs || reset.at.atNs < serverFin.atNs) return null;
    return {
      owner: reset.from,
      packets: [reset.at.packet],
      text: () => `For example connection #${id}, packet ${reset.at.packet}.`,
    };
  },
  sum: ({ count, connections }) => `On ${count} of ${counted(connections, 'connection')}.`,
};
