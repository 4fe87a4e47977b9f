/**
 * What is out of the ordinary about a connection, as bits of a number. Most connections have nothing of it, and then no rule has to be
 * asked; a rule says in `asks` what it is about (diagnosis-rule.ts).
 *
 * A sign promises nothing. It is cheaper and wider than what any rule looks for, so a rule that is asked still has to look; but one
 * that is not asked would have found nothing.
 */
import type { ConnectionFacts } from './facts-connection.js';
import type { Connection } from './model.js';

const signBits = {
  /** Either side sent a reset. */
  reset: 1 << 1,
  /** Bytes that belong to no message. */
  'skipped-bytes': 1 << 2,
  /** A side's TCP held back what it had to send (`Writing`). */
  'held-back': 1 << 3,
  /** Keep-alive probes of either side. */
  probes: 1 << 4,
  /** More than the two SYNs of an opening. */
  'syn-again': 1 << 5,
  /** Used for longer, or more often, than a `Keep-Alive` field of the server announced. */
  'beyond-hint': 1 << 6,
  /** An idle gap of a minute or more that was followed by an answer. */
  'long-gap': 1 << 7,
  /** Some exchange waited for this side for `noticeableNs` or more. */
  'waited-for-client': 1 << 8,
  'waited-for-network': 1 << 9,
  'waited-for-server': 1 << 10,
  /** On a TLS connection nothing came behind what the client sent last. */
  'encrypted-unanswered': 1 << 11,
} as const;

export type Sign = keyof typeof signBits;

/** Every connection has it: for rules that ask for no sign. */
const anyConnection = 1;

// By themselves: compiled code knows a bit in an object only when it was looked up before, and most signs are rare.
const {
  reset,
  'skipped-bytes': skippedBytes,
  'held-back': heldBack,
  probes,
  'syn-again': synAgain,
  'beyond-hint': beyondHint,
  'long-gap': longGap,
  'waited-for-client': waitedForClient,
  'waited-for-network': waitedForNetwork,
  'waited-for-server': waitedForServer,
  'encrypted-unanswered': encryptedUnanswered,
} = signBits;

/** Shorter waits are of no rule's interest. */
const noticeableNs = 200e6;
const longGapNs = 60e9;

/** Those that say whether a rule is asked: any one of them is enough. */
export const bitsOf = (asks: readonly Sign[] | undefined): number =>
  asks === undefined ? anyConnection : asks.reduce((bits, sign) => bits | signBits[sign], 0);

/** `facts` have read it. */
export function signsOf(connection: Connection, facts: ConnectionFacts): number {
  const { tcp } = connection;
  // Without branches: most signs are rare, and compiled code is thrown away at the first time that a branch is taken.
  let signs = anyConnection;
  signs |= connection.closing.reset !== null ? reset : 0;
  signs |= connection.skipped !== null ? skippedBytes : 0;
  signs |= connection.writing !== null ? heldBack : 0;
  signs |= tcp.keepAliveProbes.client + tcp.keepAliveProbes.server > 0 ? probes : 0;
  signs |= tcp.syns.client + tcp.syns.server > 2 ? synAgain : 0;
  const { lastHintSeconds, firstHintMax, longestSurvivedGapNs } = facts;
  signs |= lastHintSeconds !== null && longestSurvivedGapNs > lastHintSeconds * 1e9 ? beyondHint : 0;
  signs |= firstHintMax !== null && connection.exchangeCount > firstHintMax ? beyondHint : 0;
  signs |= longestSurvivedGapNs >= longGapNs ? longGap : 0;
  signs |= facts.longestClientNs >= noticeableNs ? waitedForClient : 0;
  signs |= facts.longestNetworkNs >= noticeableNs ? waitedForNetwork : 0;
  signs |= facts.longestServerNs >= noticeableNs ? waitedForServer : 0;
  signs |= connection.encrypted !== null && !connection.encrypted.isAnswered ? encryptedUnanswered : 0;
  return signs;
}
