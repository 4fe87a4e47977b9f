/**
 * Sequence and acknowledgment numbers of a listing, made consistent per connection.
 *
 * tcpdump (print-tcp.c) prints absolute numbers for a segment without ACK, for a SYN and for the first segment of a connection that it
 * sees; the others, unless -S is given, relative to that one: the bases are the first segment's sequence number and its acknowledgment
 * number less one. A listing that was cut (`tail`, `grep`) begins with relative numbers, and one made with -S has none: per connection
 * the reading that continues the numbers so far is taken, and kept.
 *
 * Empty segments have no sequence number (unless -vv): they stand at their sender's next one. That hides TCP keep-alive probes, which
 * stand one below. One is recognised all the same where nothing else fits: an empty segment that repeats its sender's acknowledgment and
 * window unasked, after a silence of the whole connection, with nothing outstanding (RFC 9293 §3.8.4). So are probes of a closed window.
 *
 * -q prints neither flags nor numbers: payload lengths alone make up a stream.
 */
import { before } from './flow.js';
import { type Segment, TcpFlag } from './segment.js';
import type { ListedTcp } from './tcpdump-text-line.js';

const listedConversationLimit = 65_536;

/** Linux's keep-alive options are whole seconds; a little less, since the answer before moved the last packet on. */
const leastProbeSilenceNs = 0.9e9;
/** Probes of a closed window come after the retransmission timeout, 200 ms at least (RFC 9293 §3.8.6.1; Linux's minimum). */
const leastWindowProbeSilenceNs = 0.15e9;
/** No window is larger (RFC 7323 §2.3): an acknowledgment further ahead is of something else. */
const largestSpan = 2 ** 30;

class ListedHalf {
  /** What is added to relative numbers. */
  base = 0;
  /** One beyond the highest number sent, or acknowledged by the peer. */
  next = 0;
  nextKnown = false;
  initialSequence = 0;
  synSeen = false;
  acknowledgment = 0;
  window = -1;
  ackSeen = false;
  /** The peer sent something to acknowledge since this side's last segment. */
  owesAck = false;
}

class Conversation {
  readonly low = new ListedHalf();
  readonly high = new ListedHalf();
  hasBases = false;
  numbering: 'unknown' | 'relative' | 'absolute' = 'unknown';
  lastAtNs = 0;
}

export class ListedNumbers {
  /** Keep-alive probes that were recognised by their moment alone. */
  inferredProbes = 0;
  /** Connections whose numbers were forgotten for lack of room. */
  forgotten = 0;
  readonly #conversations = new Map<string, Conversation>();

  /** Fills numbers and flags of the segment, whose ends, time and payload length are set. False: it says nothing and is left out. */
  fill(segment: Segment, tcp: ListedTcp): boolean {
    const source = `${tcp.source.host} ${tcp.source.port}`;
    const destination = `${tcp.destination.host} ${tcp.destination.port}`;
    const isLow = source < destination;
    const key = isLow ? `${source} ${destination}` : `${destination} ${source}`;
    let conversation = this.#conversations.get(key);
    const isNew = conversation === undefined;
    if (conversation === undefined) {
      this.#makeRoom();
      conversation = new Conversation();
      this.#conversations.set(key, conversation);
    }
    const own = isLow ? conversation.low : conversation.high;
    const peer = isLow ? conversation.high : conversation.low;
    segment.window = tcp.window;
    if (tcp.form === 'quiet') {
      if (!isNew && segment.payloadLength === 0) return false;
      this.#fillQuiet(segment, own, peer);
    } else this.#fillListed(segment, tcp, conversation, own, peer);
    // An empty segment before any number of its sender: where it stands in the stream cannot be told.
    const isPlaced = tcp.sequence !== null || own.nextKnown || tcp.form === 'quiet';
    moveOn(segment, own, peer, isPlaced);
    conversation.lastAtNs = segment.atNs;
    return isPlaced;
  }

  #fillQuiet(segment: Segment, own: ListedHalf, peer: ListedHalf): void {
    segment.flags = segment.payloadLength > 0 ? TcpFlag.psh | TcpFlag.ack : TcpFlag.ack;
    segment.window = 65_535;
    segment.sequence = own.next;
    segment.acknowledgment = peer.next;
  }

  #fillListed(segment: Segment, tcp: ListedTcp, conversation: Conversation, own: ListedHalf, peer: ListedHalf): void {
    const isSyn = (tcp.flags & TcpFlag.syn) !== 0;
    const sequence = tcp.sequence === null ? null : tcp.sequence | 0;
    const acknowledgment = (tcp.acknowledgment ?? 0) | 0;
    segment.flags = tcp.flags;
    segment.sequence = sequence ?? own.next;
    segment.acknowledgment = acknowledgment;
    if (isSyn && sequence !== null && !(own.synSeen && own.initialSequence === sequence)) beginAnew(conversation, own, peer, tcp);
    if ((tcp.flags & TcpFlag.ack) === 0) return;
    if (isSyn || !conversation.hasBases) {
      own.base = sequence ?? 0;
      peer.base = (acknowledgment - 1) | 0;
      conversation.hasBases = true;
      return;
    }
    if (conversation.numbering === 'unknown') conversation.numbering = numberingOf(sequence, acknowledgment, own, peer);
    const isRelative = conversation.numbering !== 'absolute';
    if (isRelative) {
      if (sequence !== null) segment.sequence = (sequence + own.base) | 0;
      segment.acknowledgment = (acknowledgment + peer.base) | 0;
    }
    if (sequence === null && isUnaskedRepetition(segment, conversation, own, peer)) {
      segment.sequence = (own.next - 1) | 0;
      this.inferredProbes++;
    }
    const { sackEdges } = tcp.options;
    segment.sackBlockCount = sackEdges.length >> 1;
    for (const [index, edge] of sackEdges.entries()) segment.sackEdges[index] = isRelative ? (edge + peer.base) | 0 : edge | 0;
  }

  /** Beyond the limit the connection that was met first is forgotten: its later numbers begin a stream of their own. */
  #makeRoom(): void {
    if (this.#conversations.size < listedConversationLimit) return;
    for (const key of this.#conversations.keys()) {
      this.#conversations.delete(key);
      this.forgotten++;
      return;
    }
  }
}

function beginAnew(conversation: Conversation, own: ListedHalf, peer: ListedHalf, tcp: ListedTcp): void {
  const isAnswer = (tcp.flags & TcpFlag.ack) !== 0;
  conversation.hasBases = false;
  conversation.numbering = 'unknown';
  const sequence = (tcp.sequence ?? 0) | 0;
  Object.assign(own, new ListedHalf(), { synSeen: true, initialSequence: sequence });
  if (!isAnswer) Object.assign(peer, new ListedHalf());
}

/** Which reading continues what is known; unknown while both do. */
function numberingOf(sequence: number | null, acknowledgment: number, own: ListedHalf, peer: ListedHalf) {
  let relative = 0;
  let absolute = 0;
  if (sequence !== null && own.nextKnown) {
    relative += Math.abs((sequence + own.base - own.next) | 0);
    absolute += Math.abs((sequence - own.next) | 0);
  }
  if (peer.nextKnown) {
    relative += Math.abs((acknowledgment + peer.base - peer.next) | 0);
    absolute += Math.abs((acknowledgment - peer.next) | 0);
  }
  if (relative === absolute) return 'unknown';
  return relative < absolute ? 'relative' : 'absolute';
}

function isUnaskedRepetition(segment: Segment, conversation: Conversation, own: ListedHalf, peer: ListedHalf): boolean {
  return (
    segment.payloadLength === 0 &&
    (segment.flags & (TcpFlag.syn | TcpFlag.fin | TcpFlag.rst)) === 0 &&
    own.nextKnown &&
    own.ackSeen &&
    !own.owesAck &&
    segment.sackBlockCount === 0 &&
    segment.acknowledgment === own.acknowledgment &&
    segment.window === own.window &&
    peer.ackSeen &&
    peer.acknowledgment === own.next &&
    segment.atNs - conversation.lastAtNs >= (peer.window === 0 ? leastWindowProbeSilenceNs : leastProbeSilenceNs)
  );
}

function moveOn(segment: Segment, own: ListedHalf, peer: ListedHalf, isPlaced: boolean): void {
  const { flags, payloadLength } = segment;
  const isReset = (flags & TcpFlag.rst) !== 0;
  const taken = payloadLength + ((flags & TcpFlag.syn) !== 0 ? 1 : 0) + ((flags & TcpFlag.fin) !== 0 ? 1 : 0);
  const next = (segment.sequence + taken) | 0;
  if (isPlaced && !isReset && (!own.nextKnown || before(own.next, next))) {
    own.next = next;
    own.nextKnown = true;
  }
  if (taken > 0) peer.owesAck = true;
  if ((flags & TcpFlag.ack) === 0 || isReset) return;
  const { acknowledgment } = segment;
  own.acknowledgment = acknowledgment;
  own.window = segment.window;
  own.ackSeen = true;
  own.owesAck = false;
  const ahead = (acknowledgment - peer.next) | 0;
  if (!peer.nextKnown || (ahead > 0 && ahead <= largestSpan)) {
    peer.next = acknowledgment;
    peer.nextKnown = true;
  }
}
