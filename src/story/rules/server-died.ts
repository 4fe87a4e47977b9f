import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import type { ServerFacts } from '../facts-server.js';
import { drainBeforeStop } from '../fixes.js';

/** A refusal this long after the close belongs to it. */
const refusedWithinNs = 60e9;
/** Threads of a dying server may answer for so long behind its first close. */
const settlingNs = 500e6;

export const serverDied: Rule = {
  id: 'server-died',
  level: 'bad',
  confidence: 'high',
  owner: 'server',
  title: 'The server stopped while requests were waiting for it',
  prose:
    'Requests were on the server, unanswered, when their connections were closed; and directly afterwards the same address and port ' +
    'refused new connections. So the process behind it was gone: it crashed, was killed (out of memory, a failed health check), or was ' +
    'stopped by a deployment without finishing its work. Timeouts of idle connections have nothing to do with it.',
  notToConfuseWith:
    'A close without a refusal afterwards (closed-without-answer), and a close of idle connections only (deploy-burst).',
  fixes: [
    {
      for: 'the server',
      setting: 'look for its exit at this time: its log, dmesg (OOM), kubectl describe pod, systemctl status',
      why: 'the packets tell when, not why',
    },
    ...drainBeforeStop,
  ],
  onLostRequest: (lost, server, { isLeaky }) => {
    // What was sent behind the close did not wait for an answer when the server ended.
    if (lost.by !== 'server' || lost.requestAt.atNs > lost.closeAt.atNs) return null;
    const refusal = server.refusals.find(({ atNs }) => atNs >= lost.closeAt.atNs && atNs - lost.closeAt.atNs <= refusedWithinNs);
    if (refusal === undefined || wasAlive(server, lost.closeAt.atNs, refusal.atNs)) return null;
    return {
      // What was answered in between may not have been captured.
      confidence: isLeaky ? 'medium' : 'high',
      packets: [lost.requestAt.packet, lost.closeAt.packet, refusal.packet],
      connections: [lost.connection],
      lostRequests: lost.pending,
      text: () =>
        `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${lost.requestAt.packet}) was waiting when the server’s machine sent its ${lost.how === 'fin' ? 'FIN' : 'reset'} (packet ${lost.closeAt.packet}); ${durationWords(refusal.atNs - lost.closeAt.atNs)} later connection #${refusal.connection} was refused.`,
    };
  },
  sum: ({ lostRequests }) => `${counted(lostRequests, 'request')} died with the server.`,
};

/** A connection that was opened or answered behind the close: that close was not the server's end. */
const wasAlive = ({ pairs }: ServerFacts, closeNs: number, refusalNs: number): boolean =>
  [...pairs.values()].some(({ recent }) =>
    recent.some(
      ({ openedNs, lastUseNs, requests }) =>
        requests > 0 && lastUseNs > openedNs && lastUseNs > closeNs + settlingNs && lastUseNs < refusalNs,
    ),
  );
