import type { Confidence, Rule } from '../diagnosis-rule.js';
import { counted, countWords, durationWords, percentWords, requestWords } from '../diagnosis-words.js';
import { type LostRequest, leastKnowingNs } from '../facts-lost-request.js';
import type { ServerFacts } from '../facts-server.js';
import { fixesFor, keepIdleLonger, letGoEarlier } from '../fixes.js';

/** A connection idle for less can hardly be closed for idleness. */
const leastIdleNs = 10e6;
/** Where no idle timeout is known, shorter pauses are not put down to one. */
const leastUnknownIdleNs = 1e9;
/** A server that closes because of idleness does so this soon around the request, besides two round trips. */
const promptNs = 30e6;
/** Where the round trip is unknown, the news of a close is taken to be on its way for no longer. */
const unknownNewsNs = 30e6;

export const staleReuse: Rule = {
  id: 'stale-reuse',
  level: 'bad',
  confidence: 'high',
  owner: 'server',
  title: 'Requests were sent into connections that the server was closing',
  prose:
    'The connection was kept open after an earlier answer, and nothing happened on it for a while. Just when the client sent its next ' +
    'request, the server’s patience ran out and it closed. The two crossed on the way: the server never read the request, the client ' +
    'gets a reset (ECONNRESET, “socket hang up”, or a 502 from a proxy). It is rare, comes in quiet hours, and hits POSTs worst, ' +
    'because many clients repeat a lost GET silently. Nothing is broken: two timers are in the wrong order. Whoever sends requests ' +
    'must stop using an idle connection before whoever receives them closes it.',
  notToConfuseWith:
    'A server that read the request and then closed without an answer (closed-without-answer), one that died (server-died), and a box ' +
    'in between that forgot the connection (silent-drop, forged-reset).',
  fixes: [...keepIdleLonger, ...letGoEarlier],
  onLostRequest: (lost, server, { isLeaky }) => {
    const confidence = confidenceOf(lost, server, isLeaky);
    if (confidence === null) return null;
    return {
      confidence,
      packets: [lost.closeAt.packet, lost.requestAt.packet].sort((a, b) => a - b),
      lostRequests: lost.pending,
      fixes: () => fixesFor(staleReuse.fixes, server.software),
      text: () => {
        const what = lost.how === 'fin' ? 'FIN' : 'reset';
        const idle = lost.idleBeforeNs > 0 ? ` after ${durationWords(lost.idleBeforeNs)} of idleness` : '';
        return `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${lost.requestAt.packet})${idle} met the server’s ${what} (packet ${lost.closeAt.packet}).`;
      },
    };
  },
  sum: ({ lostRequests, requests, sureCount, count }) => {
    const unsure = sureCount < count ? `, ${countWords(sureCount)} of them beyond doubt` : '';
    return `${countWords(lostRequests)} of ${counted(requests, 'request')} (${percentWords(lostRequests, requests)}) met the server’s close and got no answer${unsure}.`;
  },
};

function confidenceOf(lost: LostRequest, server: ServerFacts, isLeaky: boolean): Confidence | null {
  if (lost.by !== 'server' || lost.idleBeforeNs < leastIdleNs || lost.pipelined || lost.closeSaidBefore !== 'none') return null;
  // The FIN was on its way for no longer than a round trip. If its acknowledgement was not captured, the client may have known of it.
  const sinceCloseNs = lost.requestAt.atNs - lost.closeAt.atNs;
  if (lost.crossed && sinceCloseNs > newsNs(lost)) return 'medium';
  // It acknowledges the FIN itself: the news had come. Whether in time for the program depends on how long the way is.
  if (lost.crossed && lost.knewSince !== null && sinceCloseNs >= leastKnowingNs) return 'medium';
  // What a reset acknowledges besides may not have been captured.
  if (lost.crossed) return lost.how === 'rst' && isLeaky ? 'medium' : 'high';
  // From here on the server's TCP had the request. Whether the server had it too can only be told from the time.
  if (lost.waitedNs > promptNs + 2 * lost.roundTripNs) return null;
  if (nearTimeout(lost, server)) return lost.how === 'rst' ? 'high' : 'medium';
  return lost.how === 'rst' && lost.number > 1 && mayBeTimeout(lost, server) ? 'medium' : null;
}

const newsNs = ({ roundTripNs }: LostRequest): number => (roundTripNs > 0 ? 2 * roundTripNs + promptNs : unknownNewsNs);

/** The request came when the server's idle timer, as measured or announced, was running out. */
function nearTimeout({ idleBeforeNs, hintSeconds, roundTripNs }: LostRequest, server: ServerFacts): boolean {
  const measured = server.idleTimeout();
  const slackNs = roundTripNs + 20e6;
  if (measured !== null && measured.count >= 2) {
    return Math.abs(idleBeforeNs - measured.value) <= Math.max(0.02 * measured.value, measured.spread) + slackNs;
  }
  return hintSeconds !== null && Math.abs(idleBeforeNs - hintSeconds * 1e9) <= 0.02 * hintSeconds * 1e9 + slackNs;
}

/** Nothing is known of an idle timer, and nothing speaks against one: no longer idle time was survived, none is announced. */
function mayBeTimeout({ idleBeforeNs, hintSeconds }: LostRequest, server: ServerFacts): boolean {
  if (idleBeforeNs < leastUnknownIdleNs || idleBeforeNs <= server.longestSurvivedGapNs) return false;
  if (server.idleTimeout() !== null || (hintSeconds !== null && idleBeforeNs < hintSeconds * 1e9)) return false;
  // It also closes on requests that come without such a pause.
  return !server.lost.some((other) => other.by === 'server' && !other.crossed && other.idleBeforeNs < 0.5 * idleBeforeNs);
}
