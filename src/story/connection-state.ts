/**
 * One connection while its story is being told: takes the connection's observations in order and keeps its `Connection` value
 * up to date. What can only be decided at the end (the ending, Zeek's state) is decided in `close`.
 */
import {
  type AckObservation,
  type BytesObservation,
  type CallObservation,
  type FinObservation,
  type GapObservation,
  type MessageEndObservation,
  type OpenedObservation,
  otherSide,
  type RequestHeadObservation,
  type ResetObservation,
  type ResponseHeadObservation,
  type Side,
  type SynObservation,
} from '../base/index.js';
import { looksLikeRequestStart, looksLikeResponseStart } from '../wire/index.js';
import { ClosingAccount } from './closing.js';
import { type StoryShared, Tools } from './connection-tools.js';
import { connectionAt, withNewest } from './current-connection.js';
import { decideEnding, type EndingFacts } from './ending.js';
import type { HttpTalk, TalkListener } from './http-talk.js';
import { MarkKeeper } from './marks.js';
import { type Connection, type Exchange, type MarkKind, type Moment, storyLimits } from './model.js';
import { addIdleGap, newConnection } from './new-connection.js';
import { becomeHttp, nameTunnel, OtherTalk } from './other-talk.js';
import { httpProtocol, unknownProtocol } from './sniff.js';
import { plus, swapTally } from './tally.js';
import { mayTakeTurns, payloadNotCaptured } from './turn-taking.js';
import type { WaitAccount } from './waiting.js';
import { leastFlightRoundTripNs, mayBeDelayedAck, WritePattern } from './write-pattern.js';
import type { ZeekView } from './zeek.js';

const noBytes = new Uint8Array(0);
const noBytesYet = Number.NEGATIVE_INFINITY;

export class ConnectionState implements TalkListener {
  readonly connection: Connection;
  private readonly shared: StoryShared;
  private readonly tools: Tools;
  private readonly zeek: ZeekView;
  private readonly wait: WaitAccount;
  private readonly talk: HttpTalk;
  private readonly marks: MarkKeeper;
  private swapped = false;
  /** The observation being taken: its time and packet, and the moment made of them once somebody needs it. */
  private atNs: number;
  private packet: number;
  private moment: Moment | null = null;
  private lastNs: number;
  private lastPacket: number;
  private synAt: Moment | null = null;
  private handshakeDone = false;
  /** The client's ACK was captured before the SYN-ACK, or without it: the handshake's time is unknown. */
  private ackBeforeSynAck = false;
  /** A float in place costs less than one that may be null. */
  private lastByteNs = noBytesYet;
  private lastExchange: Exchange | null = null;
  private readonly closing = new ClosingAccount();
  private writing: WritePattern | null = null;
  private clientBytes = 0;
  private serverBytes = 0;
  private tunnel = false;
  private unackedRequests = 0;
  /** Not HTTP. */
  private other: OtherTalk | null = null;
  /** The packet whose bytes the snap length cut, of which the talk knows. */
  private cutPacket = -1;

  constructor(opened: OpenedObservation, shared: StoryShared) {
    const at: Moment = { atNs: opened.atNs, packet: opened.packet };
    this.atNs = at.atNs;
    this.packet = at.packet;
    this.lastNs = at.atNs;
    this.lastPacket = at.packet;
    this.shared = shared;
    this.marks = new MarkKeeper(shared.marksOf(opened.connection), shared.live);
    const tools = shared.idleTools.pop();
    tools?.restart(this);
    this.tools = tools ?? new Tools(this);
    this.zeek = this.tools.zeek;
    this.wait = this.tools.wait;
    this.talk = this.tools.talk;
    this.connection = newConnection(opened, at, this.closing);
  }

  syn(observation: SynObservation): void {
    const from = this.arrive(observation.atNs, observation.packet, observation.from);
    this.connection.tcp.syns = plus(this.connection.tcp.syns, from, 1);
    this.zeek.syn(from, observation.acknowledges);
    if (observation.maximumSegmentSize !== null) this.wait.segmentsUpTo(observation.maximumSegmentSize);
    if (this.marks.keepsAll) this.addMark(observation.acknowledges ? 'syn-ack' : 'syn', from, 0, -1);
    if (!observation.acknowledges) {
      if (!observation.repeated) this.synAt = this.at;
      else this.closing.noteUnanswered(from, 'retransmissions', this.at);
      // A SYN after a reset that came before the handshake was done: the opening goes on, the reset ended nothing.
      if (!this.handshakeDone && this.closing.first?.how === 'rst') {
        this.closing.forgetReset();
        this.connection.closed = null;
        this.zeek.reopen();
      }
    } else {
      this.closing.unanswered = null;
      if (this.synAt !== null && this.connection.synToSynAckNs === null) {
        this.connection.synToSynAckNs = Math.max(0, this.atNs - this.synAt.atNs);
        this.wait.roundTripNs = this.connection.synToSynAckNs;
      }
    }
  }

  ack(observation: AckObservation): void {
    const from = this.arrive(observation.atNs, observation.packet, observation.from);
    if (observation.pure) {
      this.zeek.pureAck(from);
      if (!this.handshakeDone && from === 'client') {
        if (this.connection.tcp.syns.server > 0) this.completeHandshake();
        else this.ackBeforeSynAck = true;
      }
    }
    if (observation.coversAll) {
      this.wait.acknowledged(from, this.handshakeDone ? observation.roundTripNs : null);
      if (
        this.connection.handshakeNs !== null &&
        observation.roundTripNs !== null &&
        from === 'client' &&
        this.wait.roundTripNs <= 0
      ) {
        this.wait.roundTripNs = observation.roundTripNs;
      }
      if (from === 'server' && this.unackedRequests > 0) this.acknowledgeRequests();
    }
    this.closing.heardFrom(from);
    if (this.closing.first !== null) this.closing.ack(from, observation, this.at);
    if (
      observation.pure &&
      observation.coversAll &&
      observation.roundTripNs !== null &&
      mayBeDelayedAck(observation.roundTripNs)
    ) {
      const { writing, atNs, packet } = this;
      this.writing = writing ?? new WritePattern();
      this.writing.acknowledged(otherSide(from), observation.roundTripNs, this.connection.handshakeNs ?? 0, atNs, packet);
    }
    if (observation.pure && this.marks.keepsAll) this.addMark('ack', from, 0, -1);
  }

  bytes(observation: BytesObservation): void {
    let from = this.arrive(observation.atNs, observation.packet, observation.from);
    const byteCount = observation.end - observation.start;
    const connection = this.connection;
    if (!this.handshakeDone && connection.tcp.syns.server > 0 && from === 'client') this.completeHandshake();
    if (connection.sidesFrom === 'guess' && this.swapIfReversed(observation, from)) from = otherSide(from);
    this.closing.heardFrom(from);
    if (this.closing.first !== null) this.closing.bytes(from, this.at);
    if (this.writing !== null) {
      const inMessage = this.talk.isInMessage(from);
      this.writing.bytes(from, byteCount, inMessage, connection.handshakeNs ?? 0, observation.atNs, observation.packet);
    }
    if (from === 'client') this.clientBytes += byteCount;
    else this.serverBytes += byteCount;
    this.zeek.data(from);
    this.wait.bytes(from, byteCount + (observation.cutByteCount ?? 0), observation.atNs);
    if (observation.atNs > this.lastByteNs) this.lastByteNs = observation.atNs;
    const marked = this.marks.count;
    if (from === 'client' && this.closing.serverFin !== null) this.talk.serverClosed(this.closing.serverFin);
    this.readBytes(observation, from);
    const cut = observation.cutByteCount ?? 0;
    if (cut > 0) this.readCut(from, observation.data, observation.start, observation.end, cut);
    if (this.marks.keepsAll && this.marks.count === marked) this.addDataMark(from, byteCount);
  }

  gap(observation: GapObservation): void {
    const from = this.arrive(observation.atNs, observation.packet, observation.from);
    if (observation.why === 'cut-by-snap-length') {
      this.cutBytes(from, observation.byteCount);
      return;
    }
    this.connection.tcp.gapBytes = plus(this.connection.tcp.gapBytes, from, observation.byteCount);
    this.zeek.gap(from);
    this.other?.gap(from, observation.byteCount);
    this.talk.gap(from, observation.byteCount, this.atNs, this.packet);
    this.addMark('gap', from, observation.byteCount, -1);
  }

  /** The segment was captured, these bytes of it were not: they were sent all the same. */
  private cutBytes(from: Side, byteCount: number): void {
    if (!this.handshakeDone && this.connection.tcp.syns.server > 0 && from === 'client') this.completeHandshake();
    this.closing.heardFrom(from);
    if (this.closing.first !== null) this.closing.bytes(from, this.at);
    if (from === 'client') this.clientBytes += byteCount;
    else this.serverBytes += byteCount;
    this.zeek.data(from);
    const wasSeen = this.cutPacket === this.packet;
    if (!wasSeen) this.wait.bytes(from, byteCount, this.atNs);
    if (this.atNs > this.lastByteNs) this.lastByteNs = this.atNs;
    this.other?.gap(from, byteCount);
    const marked = this.marks.count;
    if (!wasSeen) this.readCut(from, noBytes, 0, 0, byteCount);
    if (this.marks.keepsAll && this.marks.count === marked && !wasSeen) this.addDataMark(from, byteCount);
  }

  private readCut(from: Side, data: Uint8Array, start: number, end: number, byteCount: number): void {
    this.cutPacket = this.packet;
    const { protocol, server, tcp } = this.connection;
    if (protocol.name !== 'http/1' && (protocol.name !== 'none' || !mayTakeTurns(server.port))) return;
    this.talk.cut(from, data, start, end, byteCount, this.at, tcp.syns.client + tcp.syns.server > 0);
  }

  call(observation: CallObservation): void {
    const from = this.arrive(observation.atNs, observation.packet, observation.from);
    const tcp = this.connection.tcp;
    const totals = this.shared.totals;
    // A probe that acknowledges nothing new shows that its sender lives, not that what the other side sends gets through.
    const isInVain = observation.call === 'keep-alive-probe' && this.closing.isSentAgain(otherSide(from));
    if (!isInVain) this.closing.heardFrom(from);
    switch (observation.call) {
      case 'keep-alive-probe':
        tcp.keepAliveProbes = plus(tcp.keepAliveProbes, from, 1);
        totals.keepAliveProbes++;
        if (!isInVain) this.closing.noteUnanswered(from, 'probes', this.at);
        break;
      case 'keep-alive-answer':
        tcp.keepAliveAnswers = plus(tcp.keepAliveAnswers, from, 1);
        totals.keepAliveAnswers++;
        break;
      case 'zero-window-probe':
        tcp.zeroWindowProbes = plus(tcp.zeroWindowProbes, from, 1);
        break;
      case 'zero-window-probe-answer':
        break;
      case 'zero-window':
        tcp.zeroWindows = plus(tcp.zeroWindows, from, 1);
        this.zeek.zeroWindow(from);
        this.wait.window(from, true);
        break;
      case 'window-update':
        this.wait.window(from, false);
        break;
      case 'retransmission':
      case 'fast-retransmission':
      case 'spurious-retransmission':
        tcp.retransmissions = plus(tcp.retransmissions, from, 1);
        totals.retransmissions++;
        if (this.talk.pendingFrom < this.talk.pending.length) this.talk.pending[this.talk.pendingFrom].resent++;
        this.zeek.retransmission(from);
        if (observation.call !== 'spurious-retransmission') {
          this.wait.trouble(from, this.atNs, this.talk.oldestUnanswered());
          this.closing.noteUnanswered(from, 'retransmissions', this.at);
        } else if (from === 'server') this.wait.needless(this.atNs, this.talk.oldestUnanswered());
        break;
      case 'out-of-order':
        tcp.outOfOrder = plus(tcp.outOfOrder, from, 1);
        this.wait.trouble(from, this.atNs, this.talk.oldestUnanswered());
        break;
      case 'duplicate-ack':
        tcp.duplicateAcks = plus(tcp.duplicateAcks, from, 1);
        break;
      case 'lost-segment':
        tcp.lostSegments = plus(tcp.lostSegments, from, 1);
        if (from === 'server') this.wait.hole();
        break;
      case 'ack-of-unseen':
        tcp.acksOfUnseen = plus(tcp.acksOfUnseen, from, 1);
        break;
      case 'window-full':
      case 'duplicate-frame':
        break;
    }
    this.addMark(observation.call, from, observation.byteCount, -1);
  }

  fin(observation: FinObservation): void {
    const from = this.arrive(observation.atNs, observation.packet, observation.from);
    this.connection.tcp.fins = plus(this.connection.tcp.fins, from, 1);
    this.shared.totals.fins++;
    if (!observation.repeated) {
      this.zeek.fin(from);
      if (from === 'server') this.wait.ended();
      this.closing.fin(from, observation, this.at, this.clientBytes);
      if (this.closing.clientFin !== null && this.closing.serverFin !== null) this.connection.closed ??= this.at;
    }
    if (this.marks.keepsAll) this.addMark('fin', from, 0, -1);
  }

  reset(observation: ResetObservation): void {
    const from = this.arrive(observation.atNs, observation.packet, observation.from);
    this.connection.tcp.resets = plus(this.connection.tcp.resets, from, 1);
    this.shared.totals.resets++;
    if (this.marks.keepsAll) this.addMark('reset', from, 0, -1);
    if (observation.repeated) return;
    this.zeek.reset(from);
    this.closing.takeReset(from, observation, this.at);
    this.connection.closed ??= this.at;
  }

  /** From a source that knows messages. */
  message(observation: RequestHeadObservation | ResponseHeadObservation | MessageEndObservation): void {
    const from =
      observation.kind === 'message-end' ? observation.from : observation.kind === 'request-head' ? 'client' : 'server';
    this.arrive(observation.atNs, observation.packet, from);
    if (!this.handshakeDone) this.handshakeDone = true;
    this.lastByteNs = observation.atNs;
    this.talk.told(observation, this.at);
  }

  /** The connection as far as it is known now. */
  snapshot(): Connection {
    const connection = this.connection;
    if (connection.last.packet !== this.lastPacket || connection.last.atNs !== this.lastNs) {
      connection.last = { atNs: this.lastNs, packet: this.lastPacket };
    }
    connection.tcp.bytes = { client: this.clientBytes, server: this.serverBytes };
    return connection;
  }

  /** The connection as it stands at `nowNs`; its story goes on. */
  current(nowNs: number): Connection {
    const connection = this.snapshot();
    connection.zeek = { connState: this.zeek.connState(), history: this.zeek.history() };
    return connectionAt(connection, this.marks.all(connection), this.endingFacts(), nowNs);
  }

  /** The end of the story: what only the whole can tell. */
  close(): Connection {
    const connection = this.connection;
    const { last: lastMoment } = this.snapshot();
    const facts = this.endingFacts();
    if (this.writing !== null) {
      this.writing.endTrain(connection.handshakeNs ?? 0);
      const { clientStalls, serverStalls, slowStart } = this.writing;
      if (clientStalls !== null || serverStalls !== null || slowStart !== null) connection.writing = this.writing;
    }
    const { clientFin, serverFin } = this.closing;
    const clientEnd = clientFin ?? lastMoment;
    const serverEnd = serverFin ?? lastMoment;
    const serverFirst = serverEnd.atNs < clientEnd.atNs;
    if (serverFirst) this.talk.end('server', serverFin !== null, serverEnd);
    this.talk.end('client', clientFin !== null, clientEnd);
    if (!serverFirst) this.talk.end('server', serverFin !== null, serverEnd);
    if (connection.protocol.name === 'none' && this.lastByteNs !== noBytesYet) connection.protocol = unknownProtocol;
    connection.zeek = { connState: this.zeek.connState(), history: this.zeek.history() };
    connection.ending = decideEnding(connection, { ...facts, lastExchange: this.lastExchange });
    if (this.shared.idleTools.length < storyLimits.idleTools) this.shared.idleTools.push(this.tools);
    this.shared.keptExchanges -= connection.exchanges.length;
    if (connection.exchangeCount > 1) this.shared.totals.reusedConnections++;
    this.marks.finish(connection);
    return connection;
  }

  private endingFacts(): EndingFacts {
    const { sidesFrom, tcp } = this.connection;
    return {
      joinedLate: sidesFrom === 'guess' || sidesFrom === 'bytes',
      handshakeDone: this.handshakeDone,
      lastByteNs: this.lastByteNs === noBytesYet ? null : this.lastByteNs,
      anyBytes: this.lastByteNs !== noBytesYet || tcp.gapBytes.client + tcp.gapBytes.server > 0,
      tunnel: this.tunnel,
      partialRequest: this.talk.hasPartialRequest,
      lastExchange: this.lastExchange,
    };
  }

  // What the talk tells.

  exchangeBegan(exchange: Exchange, idleNs: number): void {
    const connection = this.connection;
    connection.exchangeCount++;
    if (exchange.requestSeen) this.unackedRequests++;
    this.closing.requestBegan(this.clientBytes);
    this.lastExchange = exchange;
    const kept = connection.exchanges.length;
    const mayKeep = this.shared.keptExchanges < storyLimits.exchangesOfOpenConnections || kept < storyLimits.exchangesAlwaysKept;
    if (kept < storyLimits.exchangesPerConnection && mayKeep && kept + 1 === connection.exchangeCount) {
      // The first push would make room for 17; most connections have fewer.
      if (connection.exchanges.length === 0) connection.exchanges = [exchange];
      else connection.exchanges.push(exchange);
      this.shared.keptExchanges++;
      if (exchange.number > 1) addIdleGap(connection, idleNs);
    } else if (this.shared.live) connection.newest = withNewest(connection.newest, exchange);
    this.tunnel = false;
    becomeHttp(this.connection);
  }

  requestRead(): void {
    this.shared.totals.requests++;
  }

  responseSeen(isInterim: boolean, isRead: boolean): void {
    if (isRead) this.shared.totals.responses++;
    if (!isInterim) this.connection.responseCount++;
  }

  mark(kind: MarkKind, from: Side, exchange: Exchange | null): void {
    if (this.marks.keepsAll) this.addMark(kind, from, 0, exchange === null ? -1 : exchange.number - 1);
  }

  skipped(from: Side, byteCount: number): void {
    const { client, server, packet } = this.connection.skipped ?? { client: 0, server: 0, packet: this.packet };
    this.connection.skipped =
      from === 'client' ? { client: client + byteCount, server, packet } : { client, server: server + byteCount, packet };
  }

  softwareSeen(from: Side, name: string | null): void {
    const { client, server } = this.connection.software;
    if (name !== null) this.connection.software = from === 'client' ? { client: name, server } : { client, server: name };
  }

  turnsTaken(): void {
    this.connection.protocol = { ...httpProtocol, detail: payloadNotCaptured };
  }

  tunnelBegan(detail: string): void {
    this.tunnel = true;
    this.connection.protocol = { ...this.connection.protocol, detail };
  }

  /**
   * Notes the moment of an observation and gives the side it came from, as the story has the sides. Takes its members, because to
   * read them off observations of all kinds alike is slow.
   */
  private arrive(atNs: number, packet: number, from: Side): Side {
    this.atNs = atNs;
    this.packet = packet;
    this.moment = null;
    if (packet >= this.lastPacket) {
      this.lastPacket = packet;
      this.lastNs = atNs;
    }
    this.wait.advance(atNs, this.talk.pending, this.talk.pendingFrom);
    return this.swapped ? otherSide(from) : from;
  }

  private get at(): Moment {
    this.moment ??= { atNs: this.atNs, packet: this.packet };
    return this.moment;
  }

  private completeHandshake(): void {
    this.handshakeDone = true;
    if (this.synAt === null || this.ackBeforeSynAck) return;
    this.connection.handshakeNs = Math.max(0, this.atNs - this.synAt.atNs);
    if (this.connection.handshakeNs >= leastFlightRoundTripNs) this.writing = new WritePattern();
  }

  private acknowledgeRequests(): void {
    const { pending, pendingFrom } = this.talk;
    for (let index = pendingFrom; index < pending.length; index++) {
      if (pending[index].requestEnd !== null) pending[index].requestAcked ??= this.at;
    }
    this.unackedRequests = 0;
  }

  private swapIfReversed(observation: BytesObservation, from: Side): boolean {
    const { data, start, end } = observation;
    const isRequest = looksLikeRequestStart(data, start, end) === 'yes';
    if (!isRequest && looksLikeResponseStart(data, start, end) !== 'yes') return false;
    this.connection.sidesFrom = 'bytes';
    if ((from === 'client') === isRequest) return false;
    this.swapped = !this.swapped;
    const connection = this.connection;
    [connection.client, connection.server] = [connection.server, connection.client];
    swapTally(connection.tcp);
    [this.clientBytes, this.serverBytes] = [this.serverBytes, this.clientBytes];
    this.closing.swap();
    this.writing?.swap();
    connection.marks = connection.marks.map((mark) => ({ ...mark, from: otherSide(mark.from) }));
    this.zeek.swap();
    return true;
  }

  private readBytes(observation: BytesObservation, from: Side): void {
    const { data, start, end } = observation;
    const talk = this.talk;
    const protocol = this.connection.protocol.name;
    if (talk.isTunnel(from)) return;
    if (this.tunnel && nameTunnel(this.connection, data, start, end, from)) {
      talk.stop();
      return;
    }
    this.other?.more(this.connection, data, start, end, from, this.at);
    if (protocol !== 'none' && protocol !== 'unknown' && protocol !== 'http/1' && protocol !== 'socks') return;
    talk.bytes(from, data, start, end, this.atNs, this.packet);
    if (talk.isHttp) becomeHttp(this.connection);
    else if (protocol === 'none' && talk.heldBytes(from) === null) {
      this.other = new OtherTalk();
      this.other.first(this.connection, data, start, end, from, this.at);
    }
  }

  private addDataMark(from: Side, byteCount: number): void {
    this.addMark('data', from, byteCount, this.lastExchange === null ? -1 : this.lastExchange.number - 1);
  }

  private addMark(kind: MarkKind, from: Side, byteCount: number, exchange: number): void {
    this.marks.add(this.connection, kind, from, this.atNs, this.packet, byteCount, exchange);
  }
}
