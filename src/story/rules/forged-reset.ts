import type { Confidence, Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import type { LostRequest } from '../facts-lost-request.js';
import { keepPathAlive } from '../fixes.js';
import { forgottenBy } from '../known-timeouts.js';
import type { Reset } from '../model.js';

/** Routes differ by a hop or two now and then; more is another sender. */
const leastHops = 3;

export const forgedReset: Rule = {
  id: 'forged-reset',
  level: 'bad',
  confidence: 'high',
  owner: 'network',
  title: 'Resets came from a box in between, not from the other end',
  prose:
    'Every packet carries a counter that each router on its way lowers by one (its time to live). The reset that ended the connection ' +
    'has another value than all packets that really came from that side, so it was made by something nearer or farther: a firewall, a ' +
    'NAT gateway or a load balancer that has forgotten the connection or does not like it. Or it answers sooner than a packet can come ' +
    'back from the other end. Neither program closed anything, and neither log will show it.',
  notToConfuseWith:
    'A reset of the server’s own (stale-reuse, closed-without-answer). Some operating systems send resets with another first value of ' +
    'the counter than data; that is why a difference without further signs is told with medium confidence.',
  fixes: [...keepPathAlive],
  asks: ['reset'],
  onConnection: ({ id, closing, ending }, { firstUnanswered }) => {
    const { reset } = closing;
    // With a request waiting it is a lost request, judged below; behind a FIN it ends nothing.
    if (reset === null || ending.how !== 'rst' || firstUnanswered >= 0) return null;
    const confidence = forged(reset);
    if (confidence === null) return null;
    return {
      level: 'warning',
      confidence,
      packets: [reset.at.packet],
      text: () => `For example connection #${id}: the reset in packet ${reset.at.packet} ${howForged(reset)}.`,
    };
  },
  onLostRequest: (lost) => {
    const { reset } = lost;
    if (reset === null || lost.how !== 'rst' || lost.by !== reset.from) return null;
    const byItsCounter = forged(reset);
    if (byItsCounter === null && !cameTooSoon(lost, reset)) return null;
    return {
      confidence: byItsCounter ?? 'medium',
      packets: [lost.requestAt.packet, reset.at.packet],
      lostRequests: lost.pending,
      text: () => {
        const box = forgottenBy(lost.idleBeforeNs);
        const known = box === null ? '' : ` That is longer than ${box.name} remembers (${box.seconds} s).`;
        return `For example connection #${lost.connection}: ${requestWords(lost)} after ${durationWords(lost.idleBeforeNs)} of idleness met a reset (packet ${reset.at.packet}) that ${byItsCounter === null ? howSoon(lost, reset) : howForged(reset)}.${known}`;
      },
    };
  },
  sum: ({ count, lostRequests }) =>
    `${counted(count, 'connection')} ended by a reset that its supposed sender did not send${lostRequests > 0 ? `; ${counted(lostRequests, 'request')} lost` : ''}.`,
};

/** First values of the counter in use: Linux and BSD 64, Windows 128, network gear 255. */
const firstValues = [64, 128, 255];

function forged({ timeToLive, usualTimeToLive }: Reset): Confidence | null {
  if (timeToLive === null || usualTimeToLive === null) return null;
  if (Math.abs(timeToLive - usualTimeToLive) < leastHops) return null;
  // Never lowered: made on this very link, while the real sender is hops away.
  const madeHere = firstValues.includes(timeToLive) && !firstValues.includes(usualTimeToLive);
  return madeHere ? 'high' : 'medium';
}

/** Nearer servers are told from boxes before them by nothing. */
const leastDistanceNs = 2e6;

/** It answers the request, as one without an acknowledgement does, sooner than any packet comes back from the server. */
function cameTooSoon({ requestAt, toServerNs, idleBeforeNs, acknowledged }: LostRequest, { acknowledges, at }: Reset): boolean {
  if (acknowledges || acknowledged || toServerNs < leastDistanceNs || idleBeforeNs < 2 * toServerNs) return false;
  return at.atNs >= requestAt.atNs && at.atNs - requestAt.atNs < toServerNs / 2;
}

const howSoon = ({ requestAt, toServerNs }: LostRequest, { at }: Reset): string =>
  `answers it after ${durationWords(at.atNs - requestAt.atNs)}, and from the server nothing comes back before ${durationWords(toServerNs)}`;

const howForged = ({ timeToLive, usualTimeToLive }: Reset): string =>
  `has a time to live of ${timeToLive}, and all packets of its sender before it had ${usualTimeToLive}`;
