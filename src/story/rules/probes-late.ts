import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';
import { keepPathAlive } from '../fixes.js';
import { forgottenBy } from '../known-timeouts.js';

/** The shortest memory of the boxes known. */
const leastIdleNs = 240e9;

export const probesLate: Rule = {
  id: 'probes-late',
  level: 'info',
  confidence: 'low',
  owner: 'client',
  title: 'Connections were idle longer than some networks remember, without a probe',
  prose:
    'The connection was idle for minutes, and no TCP keep-alive probe was sent meanwhile. On this path nothing came of it. Through a NAT ' +
    'gateway or a cloud balancer the same idle time would have been too long: they forget idle connections after 240 s (Azure), 350 s ' +
    '(AWS) or 1200 s (Google Cloud), and then the next request hangs or is reset.',
  notToConfuseWith: 'silent-drop and forged-reset, where the box has already forgotten.',
  fixes: keepPathAlive,
  asks: ['long-gap'],
  onConnection: ({ id, tcp }, { longestSurvivedGapNs, longestGapPacket: packet }) => {
    if (longestSurvivedGapNs < leastIdleNs || tcp.keepAliveProbes.client + tcp.keepAliveProbes.server > 0) return null;
    return {
      packets: [packet],
      text: () => {
        const box = forgottenBy(longestSurvivedGapNs);
        const known = box === null ? '' : `; ${box.name} forgets after ${box.seconds} s`;
        return `For example connection #${id}: reused after ${durationWords(longestSurvivedGapNs)} (packet ${packet})${known}.`;
      },
    };
  },
  sum: ({ count }) => `${counted(count, 'connection')} idle for four minutes or more without a probe.`,
};
