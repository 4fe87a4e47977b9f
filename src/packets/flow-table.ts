/**
 * From segments to observations: finds each segment's connection, has it judged and put in order, and says what happened.
 *
 * What one connection is
 * - Same addresses and ports (and IP version), in either direction.
 * - A SYN with another initial sequence number begins a new connection, whatever state the old one is in (a reused port).
 *   A SYN-ACK does so only when the old one is finished or it answers another SYN.
 * - After both sides closed or one reset, a connection stays for late segments (`lingerNs`), then it is `closed`.
 *   Its addresses are remembered a little longer so that a straggler does not become a connection of its own.
 * - Nothing ends by silence alone: hours of idleness are a finding, not an end.
 *
 * Memory is bounded by `flowLimits`: the least recently active connections are `evicted` beyond it.
 */
import type { CallObservation, Observer, SegmentCall } from '../base/index.js';
import { formatIpv4, formatIpv6 } from './address.js';
import { before, Flow, type Half, sequenceLength } from './flow.js';
import { Call, judge } from './judge.js';
import { Reassembler } from './reassembly.js';
import type { Segment } from './segment.js';

// TCP flags, here because an imported binding costs a look-up at each use and this runs for every packet.
const FIN = 1;
const SYN = 2;
const RST = 4;
const ACK = 16;

export const flowLimits = {
  /** Connections followed at once. */
  connections: 65_536,
  /** Finished connections that still wait for late segments. */
  finishedConnections: 512,
  /** How long they wait after their last packet: some resets are repeated for minutes. A new SYN ends it at once. */
  lingerNs: 3600e9,
  /** Entries of the memory of connections that are gone (a power of two). */
  tombstones: 65_536,
} as const;

export interface FlowTableSummary {
  readonly evicted: number;
  readonly firstEvictedPacket: number;
  /** Segments of connections that had ended long before. */
  readonly stragglers: number;
  readonly firstStragglerPacket: number;
}

const callNames: readonly (readonly [bit: number, call: SegmentCall])[] = [
  [Call.zeroWindowProbe, 'zero-window-probe'],
  [Call.zeroWindowProbeAnswer, 'zero-window-probe-answer'],
  [Call.keepAliveProbe, 'keep-alive-probe'],
  [Call.keepAliveAnswer, 'keep-alive-answer'],
  [Call.zeroWindow, 'zero-window'],
  [Call.windowUpdate, 'window-update'],
  [Call.windowFull, 'window-full'],
  [Call.duplicateAck, 'duplicate-ack'],
  [Call.lostSegment, 'lost-segment'],
  [Call.ackOfUnseen, 'ack-of-unseen'],
  [Call.retransmission, 'retransmission'],
  [Call.fastRetransmission, 'fast-retransmission'],
  [Call.spuriousRetransmission, 'spurious-retransmission'],
  [Call.outOfOrder, 'out-of-order'],
  [Call.duplicateFrame, 'duplicate-frame'],
];

/** No receiver offers more, so nothing further ahead is in flight. RFC 7323 §2.3. */
const largestWindow = 2 ** 30;

/** Ports that servers listen on although they are above 1023; the lower of two such ports wins. */
const serverPorts = new Set([
  1080, 3000, 3128, 3306, 5000, 5432, 6379, 8000, 8008, 8080, 8081, 8088, 8443, 8888, 9000, 9090, 9200,
]);

export class FlowTable {
  private readonly observe: Observer;
  private readonly reassembler: Reassembler;
  private readonly flows = new Map<number, Flow>();
  private readonly slots: Flow[] = [];
  private readonly connectionLimit: number;
  private nextId = 0;
  private lastFlow: Flow | null = null;
  private sweepSlot = 0;
  /** Finished flows in order of their end; consumed from `finishedHead`. */
  private finished: Flow[] = [];
  private finishedHead = 0;
  private readonly tombstoneHash = new Int32Array(flowLimits.tombstones);
  private readonly tombstoneAtNs = new Float64Array(flowLimits.tombstones).fill(Number.NEGATIVE_INFINITY);
  private evicted = 0;
  private firstEvictedPacket = 0;
  private stragglers = 0;
  private firstStragglerPacket = 0;

  constructor(observe: Observer, connectionLimit: number = flowLimits.connections) {
    this.observe = observe;
    this.reassembler = new Reassembler(observe);
    this.connectionLimit = connectionLimit;
  }

  summary(): FlowTableSummary {
    return {
      evicted: this.evicted,
      firstEvictedPacket: this.firstEvictedPacket,
      stragglers: this.stragglers,
      firstStragglerPacket: this.firstStragglerPacket,
    };
  }

  accept(segment: Segment): void {
    if (this.finishedHead < this.finished.length) this.retireFinished(segment.atNs);
    let flow = this.lastFlow;
    let direction = flow === null ? 0 : flow.direction(segment);
    if (direction === 0) {
      const hash = hashOf(segment);
      flow = this.find(hash, segment);
      if (flow === null) {
        flow = this.open(hash, segment);
        if (flow === null) return;
      }
      direction = flow.direction(segment);
      this.lastFlow = flow;
    }
    if (flow === null) return;
    if ((segment.flags & SYN) !== 0 && this.beginsAnother(flow, segment, direction)) {
      this.close(flow, 'port-reused', segment.atNs, segment.packet);
      flow = this.open(flow.hash, segment);
      if (flow === null) return;
      this.lastFlow = flow;
      direction = flow.direction(segment);
    }
    if (direction === 1) this.take(flow, flow.client, flow.server, segment);
    else this.take(flow, flow.server, flow.client, segment);
  }

  /** The capture is over: everything that is still known is closed. */
  end(): void {
    const open = [...this.slots].sort((a, b) => a.id - b.id);
    for (const flow of open) this.close(flow, flow.finished ? 'finished' : 'source-ended', flow.lastAtNs, flow.lastPacket);
    this.finished = [];
    this.finishedHead = 0;
  }

  private find(hash: number, segment: Segment): Flow | null {
    let flow = this.flows.get(hash) ?? null;
    while (flow !== null && flow.direction(segment) === 0) flow = flow.nextInChain;
    return flow;
  }

  private open(hash: number, segment: Segment): Flow | null {
    const flags = segment.flags;
    const isSyn = (flags & SYN) !== 0;
    if (!isSyn && segment.payloadLength === 0 && this.isStraggler(hash, segment)) return null;
    if (this.slots.length >= this.connectionLimit) this.evictOne(segment);
    const isSynAck = isSyn && (flags & ACK) !== 0;
    const swap = isSynAck || (!isSyn && sentByServer(segment));
    const flow = new Flow(this.nextId++, hash, segment, swap);
    flow.nextInChain = this.flows.get(hash) ?? null;
    this.flows.set(hash, flow);
    flow.slot = this.slots.length;
    this.slots.push(flow);
    const is4 = flow.ipVersion === 4;
    this.observe({
      kind: 'opened',
      connection: flow.id,
      atNs: segment.atNs,
      packet: segment.packet,
      client: {
        address: is4 ? formatIpv4(flow.client0) : formatIpv6(flow.client0, flow.client1, flow.client2, flow.client3),
        port: flow.clientPort,
      },
      server: {
        address: is4 ? formatIpv4(flow.server0) : formatIpv6(flow.server0, flow.server1, flow.server2, flow.server3),
        port: flow.serverPort,
      },
      evidence: isSynAck ? 'syn-ack' : isSyn ? 'syn' : 'mid-stream',
    });
    return flow;
  }

  /** Whether a SYN or SYN-ACK on a known flow belongs to a new connection. */
  private beginsAnother(flow: Flow, segment: Segment, direction: number): boolean {
    const sender = direction === 1 ? flow.client : flow.server;
    const receiver = direction === 1 ? flow.server : flow.client;
    if ((segment.flags & RST) !== 0) return false;
    const isSynAck = (segment.flags & ACK) !== 0;
    if (isSynAck && receiver.synSeen && !sender.synSeen && answersSyn(segment, receiver)) return false;
    if (sender.seen) {
      if (segment.sequence === sender.initialSequence) return false;
      // In the middle of a connection that it opened itself, a client's SYN-ACK is a stray or forged packet.
      if (isSynAck && direction === 1 && sender.synSeen && !flow.finished) return false;
      if (isSynAck) return flow.finished || !answersSyn(segment, receiver);
      // A SYN captured after the data it opened the way for stands shortly before them.
      const ahead = (sender.next - segment.sequence) | 0;
      return sender.synSeen || receiver.synSeen || flow.finished || ahead <= 0 || ahead > 65_535;
    }
    if (!receiver.seen) return false;
    // What does not answer a waiting SYN is left over from the connection before.
    if (isSynAck) return flow.finished;
    // A SYN from a side not seen before, while the other side was: its SYN-ACK came first, or this is a reused port.
    if (receiver.ackSeen) {
      const sent = (receiver.ack - segment.sequence) | 0;
      return flow.finished || sent < 0 || (receiver.synSeen && sent !== 1);
    }
    return flow.finished;
  }

  private take(flow: Flow, forward: Half, reverse: Half, segment: Segment): void {
    const flags = segment.flags;
    const length = segment.payloadLength;
    const atNs = segment.atNs;
    const packet = segment.packet;
    const connection = flow.id;
    const from = forward.side;
    flow.touched = true;
    flow.lastAtNs = atNs;
    flow.lastPacket = packet;
    const isSyn = (flags & SYN) !== 0;
    if (reverse.synSeen && !forward.synSeen && !forward.seen && isOfAnOlderConnection(segment, reverse)) {
      this.say(flow, segment, from, 'ack-of-unseen');
      return;
    }
    if (isSyn) this.takeSyn(flow, forward, reverse, segment);
    const wasOutstanding = reverse.seen && (!reverse.acked || before(reverse.ackedTo, reverse.next));
    this.learnProbe(flow, forward, reverse, segment);
    const calls = judge(segment, forward, reverse, flow.initialRoundTripNs);
    if (calls === Call.duplicateFrame) {
      this.say(flow, segment, from, 'duplicate-frame');
      if ((flags & FIN) !== 0) this.sayFin(flow, forward, reverse, segment, true);
      if ((flags & RST) !== 0) this.sayReset(flow, forward, segment, true);
      return;
    }
    if (forward.firstEmptyPacket === 0 && !isSyn && length === 0) {
      forward.firstEmptyPacket = packet;
      forward.firstEmptyAtNs = atNs;
    }
    if ((flags & ACK) !== 0 && (flags & RST) === 0) {
      const acknowledged = segment.acknowledgment;
      const isPlausible = !reverse.seen || ((acknowledged - reverse.next) | 0) <= largestWindow;
      if (isPlausible && (!reverse.acked || before(reverse.ackedTo, acknowledged))) {
        reverse.acked = true;
        reverse.ackedTo = acknowledged;
      }
      const coversAll = wasOutstanding && !before(acknowledged, reverse.next);
      const pure = length === 0 && (flags & (SYN | FIN)) === 0;
      if (coversAll || (pure && !forward.pureAckSeen)) {
        if (pure) {
          forward.pureAckSeen = true;
          if (flow.initialRoundTripNs === 0 && forward.synSeen && reverse.synSeen && coversAll) {
            flow.initialRoundTripNs = Math.max(1, atNs - flow.openedAtNs);
          }
        }
        this.observe({
          kind: 'ack',
          connection,
          atNs,
          packet,
          from,
          pure,
          coversAll,
          roundTripNs: coversAll && !reverse.nextRepeated ? atNs - reverse.nextAtNs : null,
        });
      }
    }
    if (calls !== 0) {
      for (const [bit, call] of callNames) {
        if ((calls & bit) !== 0) this.say(flow, segment, from, call);
      }
    }
    if (length > 0 && (flags & RST) === 0) {
      const sequence = isSyn ? (segment.sequence + 1) | 0 : segment.sequence;
      // A probe repeats a byte that was sent; before the stream is known it must not define where the stream begins.
      if ((calls & Call.keepAliveProbe) === 0) this.reassembler.accept(flow, forward, segment, sequence);
    } else if (!forward.streamKnown && (flags & RST) === 0) {
      forward.streamKnown = true;
      forward.expected = (segment.sequence + (isSyn ? 1 : 0)) | 0;
    }
    if (reverse.streamKnown && this.reassembler.hasHole(reverse)) this.reassembler.reconsider(flow, reverse, forward.seen, atNs);
    if (forward.streamKnown && forward.held !== null) this.reassembler.reconsider(flow, forward, reverse.seen, atNs);
    if ((flags & FIN) !== 0) this.takeFin(flow, forward, reverse, segment);
    if ((flags & RST) !== 0) {
      forward.timeToLive = forward.timeToLive < 0 ? segment.timeToLive : forward.timeToLive;
      this.takeReset(flow, forward, segment);
    } else {
      forward.timeToLive = segment.timeToLive;
      forward.usualIdentification = segment.identification;
      if (flow.client.finSeen && flow.server.finSeen && !flow.finished && bothFinsAcknowledged(flow)) this.finish(flow, atNs);
    }
  }

  private takeSyn(flow: Flow, forward: Half, reverse: Half, segment: Segment): void {
    const acknowledges = (segment.flags & ACK) !== 0;
    if (flow.finished && flow.reset && !acknowledges && forward.synSeen) {
      // The peer still had an older connection; it was reset, and now the same SYN opens this one. RFC 5961 §4.
      flow.finished = false;
      flow.reset = false;
    }
    const repeated = forward.synSeen && forward.initialSequence === segment.sequence;
    if (!forward.synSeen) {
      forward.synSeen = true;
      if (forward.seen) forward.initialSequence = segment.sequence;
    } else if (!repeated) {
      // A second SYN-ACK with another number to the same SYN (a server that forgot the first): start this half anew.
      forward.initialSequence = segment.sequence;
      forward.next = (segment.sequence + 1) | 0;
      forward.streamKnown = false;
    }
    forward.windowScale = Math.max(segment.windowScale, 0);
    // Scaling applies only when both SYNs carry the option. RFC 7323 §1.3.
    if (reverse.synSeen && (segment.windowScale < 0 || reverse.windowScaleAbsent)) {
      forward.windowScale = 0;
      reverse.windowScale = 0;
    }
    forward.windowScaleAbsent = segment.windowScale < 0;
    if (!repeated && flow.openedAtNs < 0) flow.openedAtNs = segment.atNs;
    this.observe({
      kind: 'syn',
      connection: flow.id,
      atNs: segment.atNs,
      packet: segment.packet,
      from: forward.side,
      acknowledges,
      repeated,
      maximumSegmentSize: segment.maximumSegmentSize < 0 ? null : segment.maximumSegmentSize,
    });
  }

  /**
   * A capture that begins in mid-stream with a keep-alive probe: an empty segment one below what its sender has sent looks like
   * any ACK, until the answer acknowledges one number more.
   */
  private learnProbe(flow: Flow, forward: Half, reverse: Half, segment: Segment): void {
    if (
      reverse.firstEmptyPacket === 0 ||
      reverse.synSeen ||
      reverse.finSeen ||
      flow.reset ||
      reverse.next !== ((reverse.initialSequence + 1) | 0) ||
      (segment.flags & (ACK | RST | SYN)) !== ACK ||
      ((segment.acknowledgment - 1) | 0) !== reverse.next ||
      forward.seen
    ) {
      return;
    }
    reverse.next = segment.acknowledgment;
    if (reverse.streamKnown) reverse.expected = segment.acknowledgment;
    reverse.lastWasKeepAliveProbe = true;
    this.observe({
      kind: 'call',
      connection: flow.id,
      atNs: reverse.firstEmptyAtNs,
      packet: reverse.firstEmptyPacket,
      from: reverse.side,
      call: 'keep-alive-probe',
      byteCount: 0,
    });
    if (segment.payloadLength === 0) this.say(flow, segment, forward.side, 'keep-alive-answer');
  }

  private takeFin(flow: Flow, forward: Half, reverse: Half, segment: Segment): void {
    const finSequence = (segment.sequence + sequenceLength(segment) - 1) | 0;
    const repeated = forward.finSeen;
    if (!repeated) {
      forward.finSeen = true;
      forward.finSequence = finSequence;
    }
    this.sayFin(flow, forward, reverse, segment, repeated);
  }

  private sayFin(flow: Flow, forward: Half, reverse: Half, segment: Segment, repeated: boolean): void {
    const unacknowledged = reverse.seen && (segment.flags & ACK) !== 0 ? (reverse.next - segment.acknowledgment) | 0 : 0;
    this.observe({
      kind: 'fin',
      connection: flow.id,
      atNs: segment.atNs,
      packet: segment.packet,
      from: forward.side,
      repeated,
      unacknowledgedByteCount: Math.max(0, unacknowledged),
    });
  }

  private takeReset(flow: Flow, forward: Half, segment: Segment): void {
    const repeated = flow.reset;
    flow.reset = true;
    // What lies behind a hole belongs before the reset: nothing more will fill it.
    this.reassembler.flush(flow, flow.client);
    this.reassembler.flush(flow, flow.server);
    this.sayReset(flow, forward, segment, repeated);
    if (!flow.finished) this.finish(flow, segment.atNs);
  }

  private sayReset(flow: Flow, forward: Half, segment: Segment, repeated: boolean): void {
    this.observe({
      kind: 'reset',
      connection: flow.id,
      atNs: segment.atNs,
      packet: segment.packet,
      from: forward.side,
      repeated,
      timeToLive: segment.timeToLive,
      usualTimeToLive: forward.timeToLive < 0 ? null : forward.timeToLive,
      identification: segment.identification < 0 ? null : segment.identification,
      lastIdentification: forward.usualIdentification < 0 ? null : forward.usualIdentification,
    });
  }

  private say(flow: Flow, segment: Segment, from: CallObservation['from'], call: SegmentCall): void {
    this.observe({
      kind: 'call',
      connection: flow.id,
      atNs: segment.atNs,
      packet: segment.packet,
      from,
      call,
      byteCount: segment.payloadLength,
    });
  }

  private finish(flow: Flow, atNs: number): void {
    flow.finished = true;
    flow.finishedAtNs = atNs;
    this.finished.push(flow);
  }

  private retireFinished(nowNs: number): void {
    for (;;) {
      const flow = this.finished[this.finishedHead];
      if (flow === undefined) break;
      const waiting = this.finished.length - this.finishedHead;
      if (flow.slot >= 0 && flow.finished) {
        if (waiting <= flowLimits.finishedConnections) {
          if (nowNs - flow.finishedAtNs < flowLimits.lingerNs) break;
          if (nowNs - flow.lastAtNs < flowLimits.lingerNs) {
            // Still heard of: it waits again from there.
            flow.finishedAtNs = flow.lastAtNs;
            this.finished.push(flow);
            this.finishedHead++;
            continue;
          }
        }
        this.close(flow, 'finished', flow.lastAtNs, flow.lastPacket);
      }
      this.finishedHead++;
    }
    if (this.finishedHead > 1024 && this.finishedHead * 2 > this.finished.length) {
      this.finished = this.finished.slice(this.finishedHead);
      this.finishedHead = 0;
    }
  }

  private close(flow: Flow, why: 'finished' | 'port-reused' | 'evicted' | 'source-ended', atNs: number, packet: number): void {
    this.reassembler.flush(flow, flow.client);
    this.reassembler.flush(flow, flow.server);
    this.observe({ kind: 'closed', connection: flow.id, atNs, packet, why });
    this.unlink(flow);
    if (why === 'finished' || why === 'evicted') {
      const place = flow.hash & (flowLimits.tombstones - 1);
      this.tombstoneHash[place] = flow.hash;
      this.tombstoneAtNs[place] = flow.lastAtNs;
    }
  }

  private unlink(flow: Flow): void {
    let previous: Flow | null = null;
    let current = this.flows.get(flow.hash) ?? null;
    while (current !== null && current !== flow) {
      previous = current;
      current = current.nextInChain;
    }
    if (current === null) return;
    if (previous !== null) previous.nextInChain = flow.nextInChain;
    else if (flow.nextInChain !== null) this.flows.set(flow.hash, flow.nextInChain);
    else this.flows.delete(flow.hash);
    const moved = this.slots[this.slots.length - 1];
    this.slots[flow.slot] = moved;
    moved.slot = flow.slot;
    this.slots.pop();
    flow.slot = -1;
    if (this.lastFlow === flow) this.lastFlow = null;
  }

  /** The clock algorithm: the first flow that had no packet since the hand last passed it. */
  private evictOne(segment: Segment): void {
    for (let step = 0; step <= this.slots.length * 2; step++) {
      if (this.sweepSlot >= this.slots.length) this.sweepSlot = 0;
      const flow = this.slots[this.sweepSlot];
      if (flow.touched) {
        flow.touched = false;
        this.sweepSlot++;
        continue;
      }
      this.evicted++;
      if (this.firstEvictedPacket === 0) this.firstEvictedPacket = segment.packet;
      this.close(flow, 'evicted', flow.lastAtNs, flow.lastPacket);
      return;
    }
  }

  private isStraggler(hash: number, segment: Segment): boolean {
    const place = hash & (flowLimits.tombstones - 1);
    const age = segment.atNs - this.tombstoneAtNs[place];
    if (this.tombstoneHash[place] !== hash || age > flowLimits.lingerNs) return false;
    this.tombstoneAtNs[place] = segment.atNs;
    this.stragglers++;
    if (this.firstStragglerPacket === 0) this.firstStragglerPacket = segment.packet;
    return true;
  }
}

/** Not an answer to the SYN: a challenge ACK or a leftover of the connection that had these ports before. RFC 5961 §4. */
function isOfAnOlderConnection(segment: Segment, opener: Half): boolean {
  if ((segment.flags & (ACK | RST)) !== ACK) return false;
  if ((segment.flags & SYN) !== 0) return !answersSyn(segment, opener);
  const acknowledged = (segment.acknowledgment - opener.initialSequence) | 0;
  return acknowledged <= 0 || acknowledged > largestWindow;
}

/** A SYN-ACK acknowledges the SYN and none, some or all of the data it carried (TCP Fast Open, RFC 7413). */
function answersSyn(segment: Segment, opener: Half): boolean {
  const acknowledged = (segment.acknowledgment - opener.initialSequence) | 0;
  return acknowledged === 1 || (acknowledged > 1 && acknowledged <= ((opener.next - opener.initialSequence) | 0));
}

function bothFinsAcknowledged(flow: Flow): boolean {
  return before(flow.client.finSequence, flow.client.ackedTo) && before(flow.server.finSequence, flow.server.ackedTo);
}

/** Joined in mid-stream: whether the sender looks like the server, by its port. */
function sentByServer(segment: Segment): boolean {
  const source = serverLikeness(segment.sourcePort);
  const destination = serverLikeness(segment.destinationPort);
  if (source !== destination) return source > destination;
  return source > 0 && segment.sourcePort < segment.destinationPort;
}

function serverLikeness(port: number): number {
  if (port === 80 || port === 443) return 4;
  if (port < 1024) return 3;
  if (serverPorts.has(port)) return 2;
  return port < 32_768 ? 1 : 0;
}

/** The same for both directions; non-negative and small enough for a small integer everywhere. */
function hashOf(segment: Segment): number {
  let addresses = segment.source0 ^ segment.destination0;
  let sum = (segment.source0 + segment.destination0) | 0;
  if (segment.ipVersion === 6) {
    addresses ^= segment.source1 ^ segment.destination1 ^ segment.source2 ^ segment.destination2;
    sum = (sum + segment.source3 + segment.destination3 + Math.imul(segment.source3 ^ segment.destination3, 31)) | 0;
  }
  const ports = (segment.sourcePort + segment.destinationPort) | (Math.abs(segment.sourcePort - segment.destinationPort) << 17);
  let hash = Math.imul(addresses, 0x9e3779b1) ^ Math.imul(sum, 0x85ebca6b) ^ Math.imul(ports, 0xc2b2ae35);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 13;
  return hash & 0x3fffffff;
}
