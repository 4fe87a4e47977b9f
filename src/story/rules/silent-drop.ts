import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import { leastForgettingNs, swallowedTurn } from '../encrypted-use.js';
import { keepPathAlive } from '../fixes.js';
import { forgottenBy } from '../known-timeouts.js';

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
  endings: ['data-unanswered'],
  asks: ['encrypted-unanswered'],
  // The same through TLS, where a request cannot be told from other data.
  onConnection: (connection, { sound }) => {
    const { id, closing, encrypted, ending, tcp } = connection;
    const askedAt = sound ? swallowedTurn(connection) : null;
    if (askedAt === null) return null;
    const { last, retransmissions } = closing.unanswered!;
    const unseenNs = mayBeUnseenNs(last.atNs - askedAt.atNs, retransmissions);
    return {
      confidence: encrypted!.idleBeforeNs - unseenNs < leastForgettingNs ? 'medium' : 'high',
      packets: [askedAt.packet, last.packet],
      delayNs: Math.max(0, ending.at.atNs - askedAt.atNs),
      text: () =>
        `For example connection #${id}: what was sent through TLS (packet ${askedAt.packet}) after ${swallowed(encrypted!.idleBeforeNs, retransmissions, tcp.keepAliveProbes.client)}`,
    };
  },
  onLostRequest: (lost, _server, { isLeaky }) => {
    const silent = lost.by === 'network' || (lost.by === 'server' && lost.how === 'rst' && !lost.acknowledged);
    if (!silent || lost.sentAgain < leastRepeats || lost.idleBeforeNs < leastForgettingNs || lost.number === 1) return null;
    // Where packets are missing the first sends may be.
    const unseenNs = isLeaky ? mayBeUnseenNs(lost.waitedNs, lost.sentAgain) : 0;
    return {
      confidence: lost.idleBeforeNs - unseenNs < leastForgettingNs ? 'medium' : 'high',
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      delayNs: Math.max(0, lost.waitedNs),
      text: () =>
        `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${lost.requestAt.packet}) after ${swallowed(lost.idleBeforeNs, lost.sentAgain, lost.probes)}`,
    };
  },
  sum: ({ count, lostRequests, delayNs }) => {
    const what = lostRequests > 0 ? counted(lostRequests, 'request') : `${counted(count, 'connection')} with TLS`;
    return `${what} swallowed after an idle time; callers waited ${durationWords(delayNs)} in vain.`;
  },
};

/** Each send waits twice as long as the one before (RFC 6298 §5.5), so all that were not seen together as long as the first that was. */
const mayBeUnseenNs = (waitedNs: number, sentAgain: number): number => waitedNs / (2 ** sentAgain - 1);

function swallowed(idleNs: number, repeats: number, probes: number): string {
  const box = forgottenBy(idleNs);
  const known = box === null ? '' : ` ${box.name} forgets after ${box.seconds} s.`;
  const unprobed = probes === 0 ? ' No TCP keep-alive probe was sent meanwhile.' : '';
  return `${durationWords(idleNs)} of idleness, sent again ${counted(repeats, 'time')} without an acknowledgement.${known}${unprobed}`;
}
