/**
 * How much a connection has to tell, as one number: which of a million connections a person should see first. Lost work comes
 * before oddities, oddities before slowness, and slowness before health. Only facts of the story count; rules come with their own
 * levels.
 */
import type { Connection } from '../story/index.js';
import { endingWords, type Severity } from './ending-words.js';

const severityScore: Readonly<Record<Severity, number>> = { bad: 1000, notable: 200, neutral: 10, good: 20 };

export function interestOf(connection: Connection): number {
  const { ending, tcp, exchanges, exchangeCount, responseCount } = connection;
  let score = severityScore[endingWords[ending.why].severity];
  let worstStatus = 0;
  let longestNs = 0;
  for (const { status, waited } of exchanges) {
    if (status !== null && status > worstStatus) worstStatus = status;
    const whole = waited.client + waited.network + waited.server;
    if (whole > longestNs) longestNs = whole;
  }
  if (worstStatus >= 500) score += 400;
  else if (worstStatus >= 400) score += 40;
  if (exchangeCount > responseCount) score += 150;
  // A second of waiting is worth a mention, a minute more than a client error.
  score += 30 * Math.log2(1 + longestNs / 1e9);
  if (ending.how === 'rst') score += 60;
  score += 10 * weightOf(tcp.retransmissions.client + tcp.retransmissions.server);
  score += 10 * weightOf(tcp.zeroWindows.client + tcp.zeroWindows.server);
  score += 5 * weightOf(tcp.keepAliveProbes.client + tcp.keepAliveProbes.server);
  score += 4 * weightOf(exchangeCount);
  return score;
}

/** Most counts are zero, and a logarithm is dear. */
const weightOf = (count: number): number => (count === 0 ? 0 : Math.log2(1 + count));
