/**
 * From segments to observations: finds each segment's connection, has it judged and put in order, and says what happened.
 *
 * What one connection is
 * - Same addresses and ports (and IP version), in either direction.
 * - A SYN may begin another one: connection-boundary.ts.
 * - After both sides closed or one reset, a connection stays for late segments (`lingerNs`), then it is `closed`.
 *   Its addresses are remembered a little longer so that a straggler does not become a connection of its own.
 * - Nothing ends by silence alone: hours of idleness are a finding, not an end.
 *
 * Memory is bounded by `flowLimits`: the least recently active connections are `evicted` beyond it.
 */
import type { AckObservation, CallObservation, Observer, SegmentCall } from '../base/index.js';
import { AddressBook } from './address.js';
import {
  beginsAnother,
  bothFinsAcknowledged,
  isOfAnOlderConnection,
  largestWindow,
  sentByServer,
} from './connection-boundary.js';
import { FinishedFlows } from './finished-flows.js';
import { before, Flow, type Half, sequenceLength } from './flow.js';
import { FlowIndex, hashOf } from './flow-index.js';
import { Call, judge } from './judge.js';
import { Reassembler } from './reassembly.js';
import type { Segment } from './segment.js';
import { isSteady, isUsual } from './usual-segment.js';

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

export class FlowTable {
  private readonly observe: Observer;
  private readonly reassembler: Reassembler;
  private readonly addresses = new AddressBook();
  private readonly index = new FlowIndex();
  private readonly connectionLimit: number;
  private readonly finished: FinishedFlows;
  /** The `ack` observation, filled anew for each: nearly every second packet tells one. */
  private readonly ack: { -readonly [Member in keyof AckObservation]: AckObservation[Member] } = {
    kind: 'ack',
    connection: 0,
    atNs: 0.5,
    packet: 0,
    from: 'client',
    pure: false,
    coversAll: false,
    roundTripNs: null,
  };
  private nextId = 0;
  private lastFlow: Flow | null = null;
  private evicted = 0;
  private firstEvictedPacket = 0;
  private stragglers = 0;
  private firstStragglerPacket = 0;

  constructor(observe: Observer, connectionLimit: number = flowLimits.connections, lingerNs: number = flowLimits.lingerNs) {
    this.observe = observe;
    this.reassembler = new Reassembler(observe);
    this.connectionLimit = connectionLimit;
    this.finished = new FinishedFlows({
      limit: flowLimits.finishedConnections,
      lingerNs,
      retire: (flow) => this.close(flow, 'finished', flow.lastAtNs, flow.lastPacket),
    });
  }

  summary(): FlowTableSummary {
    return {
      evicted: this.evicted,
      firstEvictedPacket: this.firstEvictedPacket,
      stragglers: this.stragglers,
      firstStragglerPacket: this.firstStragglerPacket,
    };
  }

  /** Tells what the segment says. Returns twice the connection's number, plus one when the server sent it; −1 when it has none. */
  accept(segment: Segment): number {
    if (this.finished.mayBeDue(segment.atNs)) this.finished.passTime(segment.atNs);
    let flow = this.lastFlow;
    let direction = flow === null ? 0 : flow.direction(segment);
    if (direction === 0) {
      const hash = hashOf(segment);
      flow = this.index.find(hash, segment);
      if (flow === null) {
        flow = this.open(hash, segment);
        if (flow === null) return -1;
      }
      direction = flow.direction(segment);
      this.lastFlow = flow;
    }
    if (flow === null) return -1;
    if ((segment.flags & SYN) !== 0 && beginsAnother(flow, segment, direction)) {
      this.close(flow, 'port-reused', segment.atNs, segment.packet);
      flow = this.open(flow.hash, segment);
      if (flow === null) return -1;
      this.lastFlow = flow;
      direction = flow.direction(segment);
    }
    const forward = direction === 1 ? flow.client : flow.server;
    const reverse = direction === 1 ? flow.server : flow.client;
    if (flow.steady && isUsual(segment, forward, reverse)) this.takeUsual(flow, forward, reverse, segment);
    else {
      this.take(flow, forward, reverse, segment);
      flow.steady = isSteady(flow);
    }
    return 2 * flow.id + direction - 1;
  }

  /** It is as late as this, and no packet came: what ended long enough ago is closed. */
  passTime(nowNs: number): void {
    this.finished.passTime(nowNs);
  }

  /** The capture is over: everything that is still known is closed. */
  end(): void {
    for (const flow of this.index.all())
      this.close(flow, flow.finished ? 'finished' : 'source-ended', flow.lastAtNs, flow.lastPacket);
    this.finished.clear();
  }

  private open(hash: number, segment: Segment): Flow | null {
    const flags = segment.flags;
    const isSyn = (flags & SYN) !== 0;
    if (!isSyn && segment.payloadLength === 0 && this.index.isStraggler(hash, segment, flowLimits.lingerNs)) {
      this.stragglers++;
      if (this.firstStragglerPacket === 0) this.firstStragglerPacket = segment.packet;
      return null;
    }
    if (this.index.size >= this.connectionLimit) this.evictOne(segment);
    const isSynAck = isSyn && (flags & ACK) !== 0;
    const swap = isSynAck || (!isSyn && sentByServer(segment));
    const flow = new Flow(this.nextId++, hash, segment, swap);
    this.index.add(flow);
    this.observe({
      kind: 'opened',
      connection: flow.id,
      atNs: segment.atNs,
      packet: segment.packet,
      client: {
        address: this.addresses.name(flow.ipVersion, flow.client0, flow.client1, flow.client2, flow.client3),
        port: flow.clientPort,
      },
      server: {
        address: this.addresses.name(flow.ipVersion, flow.server0, flow.server1, flow.server2, flow.server3),
        port: flow.serverPort,
      },
      evidence: isSynAck ? 'syn-ack' : isSyn ? 'syn' : 'mid-stream',
    });
    return flow;
  }

  /** What `take` comes to when `isSteady` and `isUsual` hold. */
  private takeUsual(flow: Flow, forward: Half, reverse: Half, segment: Segment): void {
    const atNs = segment.atNs;
    const length = segment.payloadLength;
    const acknowledged = segment.acknowledgment;
    flow.touched = true;
    flow.lastPacket = segment.packet;
    flow.lastAtNs = atNs;
    if (acknowledged !== forward.ack) {
      forward.ack = acknowledged;
      forward.duplicateAckCount = 0;
    }
    forward.window = segment.window;
    forward.lastSequence = segment.sequence;
    forward.lastIdentification = segment.identification;
    forward.lastAcknowledgment = acknowledged;
    forward.lastFlags = segment.flags;
    forward.lastPayloadLength = length;
    forward.lastAtNs = atNs;
    forward.timeToLive = segment.timeToLive;
    forward.usualIdentification = segment.identification;
    const wasOutstanding = reverse.ackedTo !== reverse.next;
    if (before(reverse.ackedTo, acknowledged)) reverse.ackedTo = acknowledged;
    const coversAll = wasOutstanding && acknowledged === reverse.next;
    if (coversAll || (length === 0 && !forward.pureAckSeen)) this.sayAck(flow, forward, reverse, segment, coversAll);
    if (length > 0) {
      forward.next = (forward.next + length) | 0;
      forward.nextAtNs = atNs;
      forward.nextRepeated = false;
      this.reassembler.deliverNext(flow, forward, segment);
    }
  }

  private take(flow: Flow, forward: Half, reverse: Half, segment: Segment): void {
    const flags = segment.flags;
    const length = segment.payloadLength;
    const atNs = segment.atNs;
    const packet = segment.packet;
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
      if ((flags & RST) !== 0) this.sayReset(flow, forward, reverse, segment, true);
      return;
    }
    if (forward.firstEmptyPacket === 0 && !isSyn && length === 0) {
      forward.firstEmptyPacket = packet;
      forward.firstEmptyAtNs = atNs;
    }
    if ((flags & ACK) !== 0 && (flags & RST) === 0) {
      const acknowledged = segment.acknowledgment;
      // The SYN-ACK was not captured: the first acknowledgement says where the stream behind it begins.
      if (!reverse.seen && !reverse.acked && forward.synSeen && !isSyn) {
        reverse.streamKnown = true;
        reverse.expected = acknowledged;
      }
      const isPlausible = !reverse.seen || ((acknowledged - reverse.next) | 0) <= largestWindow;
      if (isPlausible && (!reverse.acked || before(reverse.ackedTo, acknowledged))) {
        if (!reverse.acked) reverse.ackedFrom = acknowledged;
        reverse.acked = true;
        reverse.ackedTo = acknowledged;
      }
      const coversAll = wasOutstanding && !before(acknowledged, reverse.next);
      const pure = length === 0 && (flags & (SYN | FIN)) === 0;
      if (coversAll || (pure && !forward.pureAckSeen)) this.sayAck(flow, forward, reverse, segment, coversAll);
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
      this.takeReset(flow, forward, reverse, segment);
    } else {
      forward.timeToLive = segment.timeToLive;
      forward.usualIdentification = segment.identification;
      if (flow.client.finSeen && flow.server.finSeen && !flow.finished && bothFinsAcknowledged(flow)) this.finish(flow, atNs);
    }
  }

  private sayAck(flow: Flow, forward: Half, reverse: Half, segment: Segment, coversAll: boolean): void {
    const atNs = segment.atNs;
    const pure = segment.payloadLength === 0 && (segment.flags & (SYN | FIN)) === 0;
    if (pure) {
      forward.pureAckSeen = true;
      if (flow.initialRoundTripNs === 0 && forward.synSeen && reverse.synSeen && coversAll) {
        flow.initialRoundTripNs = Math.max(1, atNs - flow.openedAtNs);
      }
    }
    const ack = this.ack;
    ack.connection = flow.id;
    ack.atNs = atNs;
    ack.packet = segment.packet;
    ack.from = forward.side;
    ack.pure = pure;
    ack.coversAll = coversAll;
    ack.roundTripNs = coversAll && !reverse.nextRepeated ? atNs - reverse.nextAtNs : null;
    this.observe(ack);
  }

  private takeSyn(flow: Flow, forward: Half, reverse: Half, segment: Segment): void {
    const acknowledges = (segment.flags & ACK) !== 0;
    if (flow.finished && flow.reset && !acknowledges && forward.synSeen) {
      // The peer still had an older connection; it was reset, and now the same SYN opens this one. RFC 5961 §4.
      flow.finished = false;
      flow.reset = false;
      this.finished.change();
    }
    const repeated = forward.synSeen && forward.initialSequence === segment.sequence;
    if (!forward.synSeen) {
      forward.synSeen = true;
      if (forward.seen) forward.initialSequence = segment.sequence;
    } else if (!repeated) {
      // A second SYN-ACK with another number to the same SYN (a server that forgot the first): start this half anew.
      this.reassembler.flush(flow, forward);
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
    this.observe({
      kind: 'fin',
      connection: flow.id,
      atNs: segment.atNs,
      packet: segment.packet,
      from: forward.side,
      repeated,
      unacknowledgedByteCount: unacknowledgedBy(reverse, segment),
    });
  }

  private takeReset(flow: Flow, forward: Half, reverse: Half, segment: Segment): void {
    const repeated = flow.reset;
    flow.reset = true;
    // What lies behind a hole belongs before the reset: nothing more will fill it.
    this.reassembler.flush(flow, flow.client);
    this.reassembler.flush(flow, flow.server);
    this.sayReset(flow, forward, reverse, segment, repeated);
    if (!flow.finished) this.finish(flow, segment.atNs);
  }

  private sayReset(flow: Flow, forward: Half, reverse: Half, segment: Segment, repeated: boolean): void {
    this.observe({
      kind: 'reset',
      connection: flow.id,
      atNs: segment.atNs,
      packet: segment.packet,
      from: forward.side,
      repeated,
      unacknowledgedByteCount: unacknowledgedBy(reverse, segment),
      acknowledges: (segment.flags & ACK) !== 0,
      timeToLive: segment.timeToLive < 0 ? null : segment.timeToLive,
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
    this.finished.add(flow);
  }

  private close(flow: Flow, why: 'finished' | 'port-reused' | 'evicted' | 'source-ended', atNs: number, packet: number): void {
    this.reassembler.flush(flow, flow.client);
    this.reassembler.flush(flow, flow.server);
    this.observe({ kind: 'closed', connection: flow.id, atNs, packet, why });
    this.index.remove(flow);
    this.finished.change();
    if (this.lastFlow === flow) this.lastFlow = null;
    if (why === 'finished' || why === 'evicted') this.index.bury(flow);
  }

  private evictOne(segment: Segment): void {
    const flow = this.index.leastActive();
    this.evicted++;
    if (this.firstEvictedPacket === 0) this.firstEvictedPacket = segment.packet;
    this.close(flow, 'evicted', flow.lastAtNs, flow.lastPacket);
  }
}

/** What of the other side's bytes, captured before, a segment does not acknowledge; 0 where it acknowledges nothing at all. */
function unacknowledgedBy(other: Half, { flags, acknowledgment }: Segment): number {
  return other.seen && (flags & ACK) !== 0 ? Math.max(0, (other.next - acknowledgment) | 0) : 0;
}
