import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import { keepPathAlive } from '../fixes.js';
import { forgottenBy } from '../known-timeouts.js';

/** Shorter pauses make nobody forget a connection. */
const leastIdleNs = 1e9;
const leastRepeats = 2;

export const silentDrop: Rule = {
  id: 'silent-drop',
  level: 'bad',
  confidence: 'high',
  owner: 'network',
  title: 'After an idle time the path swallowed everything',
  prose:
    'The connection worked, then it was idle for a while, and the next request was sent again and again without any sign of life from the ' +
    'other side. That is how a firewall, a NAT gateway or a balancer behaves that has forgotten an idle connection and drops its packets ' +
    'without a word. The caller hangs until its own timeout, often for minutes. Keep the idle time below the box’s memory, or send TCP ' +
    'keep-alive probes often enough to be remembered.',
  notToConfuseWith:
    'A machine or a line that went down without an idle time before (path-lost), and a server that has the request and is slow: its ' +
    'machine would acknowledge (slow-server).',
  fixes: keepPathAlive,
  onLostRequest: (lost) => {
    const silent = lost.by === 'network' || (lost.by === 'server' && lost.how === 'rst' && !lost.acknowledged);
    if (!silent || lost.sentAgain < leastRepeats || lost.idleBeforeNs < leastIdleNs || lost.number === 1) return null;
    return {
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      delayNs: Math.max(0, lost.waitedNs),
      text: () => {
        const box = forgottenBy(lost.idleBeforeNs);
        const known = box === null ? '' : ` ${box.name} forgets after ${box.seconds} s.`;
        const probes = lost.probes === 0 ? ' No TCP keep-alive probe was sent meanwhile.' : '';
        return `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${lost.requestAt.packet}) after ${durationWords(lost.idleBeforeNs)} of idleness, sent again ${counted(lost.sentAgain, 'time')} without an acknowledgement.${known}${probes}`;
      },
    };
  },
  sum: ({ lostRequests, delayNs }) =>
    `${counted(lostRequests, 'request')} swallowed after an idle time; callers waited ${durationWords(delayNs)} in vain.`,
};
