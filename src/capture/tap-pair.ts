/**
 * One client's connection to a relay and the relay's own to the server, joined: what one says the other hears, FIN as FIN and RST as RST,
 * unless a fault says otherwise.
 *
 * Who closed first is what was read first here: a FIN by `end`, a RST by ECONNRESET (or by `endedByReset`). A RST that comes while its socket is not read (because of
 * back-pressure or a stall) is noticed with the next write only.
 */
import { connect, type Socket } from 'node:net';
import type { Endpoint, Observer, Side } from '../base/index.js';
import { otherSide } from '../base/index.js';
import { type TapFailure, tapFailureOf } from './tap-failure.js';
import type { TapFault, TapMoment } from './tap-faults.js';
import { TapFlow } from './tap-flow.js';
import { TapObservations, tapNowNs } from './tap-observations.js';
import { endedByReset } from './tap-socket-state.js';

/** Who began to close, and by what: the relay itself only for a fault or at its own end. */
export interface TapClose {
  readonly by: Side | 'relay' | 'network';
  readonly how: 'fin' | 'rst' | 'timeout';
  readonly atNs: number;
}

/** A fault that happened to this connection. */
export interface TapFaultEvent {
  readonly kind: TapFault['kind'];
  readonly atNs: number;
}

/** What is known of a pair when it is over. Times are on the scale of `tapOriginSeconds`. */
export interface TapConnection {
  /** From 0; `opened` and the rest have the same. */
  readonly id: number;
  readonly client: Endpoint;
  /** Where the relay connected to; null when it did not get so far. */
  readonly server: Endpoint | null;
  readonly openedAtNs: number;
  /** How long the connection to the server took to open, in nanoseconds; null: it did not. */
  readonly connectNs: number | null;
  readonly closedAtNs: number;
  readonly bytesFromClient: number;
  readonly bytesFromServer: number;
  readonly firstClose: TapClose | null;
  readonly faults: readonly TapFaultEvent[];
  readonly failure: TapFailure | null;
}

export interface TapPairOptions {
  readonly id: number;
  readonly front: Socket;
  readonly to: { readonly host: string; readonly port: number };
  readonly connectTimeoutMs: number;
  readonly faults: readonly TapFault[];
  readonly observeClientSide: Observer | undefined;
  readonly observeServerSide: Observer | undefined;
  readonly onFault: (event: TapFaultEvent, id: number) => void;
  readonly onClosed: (connection: TapConnection) => void;
}

/** How long a side may take to read the last bytes before a reset, and to close after a cut. */
const resetGraceMs = 1000;
const cutGraceMs = 30_000;

export class TapPair {
  readonly #options: TapPairOptions;
  readonly #front: Socket;
  readonly #back: Socket;
  readonly #client: Endpoint;
  readonly #seenByClient: TapObservations;
  readonly #seenByServer: TapObservations;
  readonly #openedAtNs = tapNowNs();
  readonly #fromClient: TapFlow;
  readonly #fromServer: TapFlow;
  readonly #faults: TapFaultEvent[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #server: Endpoint | null = null;
  #connectNs: number | null = null;
  #firstClose: TapClose | null = null;
  #failure: TapFailure | null = null;
  #idleTimer: NodeJS.Timeout | null = null;
  #openSockets = 2;
  /** FINs read. */
  #ends = 0;

  constructor(options: TapPairOptions) {
    const { id, front, to } = options;
    this.#options = options;
    this.#front = front;
    this.#client = endpointOf(front.remoteAddress, front.remotePort);
    this.#seenByClient = new TapObservations(options.observeClientSide, id);
    this.#seenByServer = new TapObservations(options.observeServerSide, id);
    this.#seenByClient.opened(this.#client, { address: to.host, port: to.port });
    this.#back = connect({ ...to, allowHalfOpen: true, noDelay: true });
    front.setNoDelay(true);
    this.#fromClient = this.#flow('client', front, this.#back);
    this.#fromServer = this.#flow('server', this.#back, front);
    this.#follow('client', front);
    this.#follow('server', this.#back);
    this.#arm(options.connectTimeoutMs, () => {
      if (this.#connectNs === null) this.#back.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }));
    });
    this.#back.once('connect', () => this.#connected());
  }

  /** A fault from outside, at this moment. */
  inject(kind: 'cut' | 'reset' | 'stall' | 'half-close' | 'drop-idle'): void {
    if (this.#openSockets > 0) this.#happen(kind);
  }

  get bytesFromClient(): number {
    return this.#front.bytesRead;
  }

  get bytesFromServer(): number {
    return this.#back.bytesRead;
  }

  /** The relay ends: both sides are reset. That is no part of the connection's story. */
  close(): void {
    this.#close('relay', 'rst');
    this.#seenByClient.closed('source-ended');
    this.#seenByServer.closed('source-ended');
    this.#resetBoth();
  }

  #flow(from: Side, source: Socket, sink: Socket): TapFlow {
    const ofKind = <Kind extends TapFault['kind']>(kind: Kind) =>
      this.#options.faults.filter((fault): fault is Extract<TapFault, { kind: Kind }> => fault.kind === kind);
    // What the client said is seen by the server when it is written to it, and the other way round.
    const seen = from === 'client' ? this.#seenByServer : this.#seenByClient;
    return new TapFlow({
      source,
      sink,
      delayMs: ofKind('delay').reduce((sum, { delayMs }) => sum + delayMs, 0),
      bitsPerSecond: Math.min(Number.POSITIVE_INFINITY, ...ofKind('rate').map(({ bitsPerSecond }) => bitsPerSecond)),
      onRelayed: (chunk) => seen.bytes(from, chunk),
      onTaken: () => seen.ack(otherSide(from)),
      onFin: () => seen.fin(from),
    });
  }

  #follow(side: Side, socket: Socket): void {
    const flow = side === 'client' ? this.#fromClient : this.#fromServer;
    const seen = side === 'client' ? this.#seenByClient : this.#seenByServer;
    socket.on('data', (chunk) => {
      this.#noticeActivity();
      seen.bytes(side, chunk);
      seen.ack(otherSide(side));
      flow.take(chunk);
    });
    socket.on('end', () => {
      if (endedByReset(socket)) {
        this.#failed(side, Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
        socket.destroy();
        return;
      }
      seen.fin(side);
      this.#close(side, 'fin');
      flow.takeEnd();
      this.#ends++;
      // Nobody is told, and nobody has more to say.
      if (this.#ends === 2 && this.#isForgotten()) this.#destroyBoth();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(side, error));
    socket.on('close', () => {
      this.#openSockets--;
      if (this.#openSockets === 0) this.#ended();
    });
  }

  #connected(): void {
    const { remoteAddress, remotePort, localAddress, localPort } = this.#back;
    this.#connectNs = tapNowNs() - this.#openedAtNs;
    this.#server = endpointOf(remoteAddress, remotePort);
    this.#seenByServer.opened(endpointOf(localAddress, localPort), this.#server, this.#openedAtNs);
    this.#seenByServer.syn('client', this.#openedAtNs);
    this.#seenByServer.syn('server');
    for (const fault of this.#options.faults) this.#prepare(fault);
    this.#fromClient.begin();
    this.#fromServer.begin();
    this.#front.resume();
  }

  #prepare(fault: TapFault): void {
    switch (fault.kind) {
      case 'delay':
      case 'rate':
        this.#note(fault.kind);
        break;
      case 'drop-idle':
        this.#idleTimer = setTimeout(() => this.#happen('drop-idle'), fault.idleMs);
        break;
      default:
        this.#prepareMoment(fault);
    }
  }

  #prepareMoment(fault: TapMoment & { readonly kind: 'cut' | 'reset' | 'stall' | 'half-close' }): void {
    const { kind, afterMs, afterBytes, bytesFrom = 'server' } = fault;
    const act = (): void => this.#happen(kind);
    if (afterBytes !== undefined) (bytesFrom === 'client' ? this.#fromClient : this.#fromServer).after(afterBytes, act);
    else this.#arm(Math.max(0, afterMs! - (tapNowNs() - this.#openedAtNs) / 1e6), act);
  }

  #happen(kind: 'cut' | 'reset' | 'stall' | 'half-close' | 'drop-idle'): void {
    this.#note(kind);
    switch (kind) {
      case 'cut':
        this.#close('relay', 'fin');
        this.#fromClient.finish();
        this.#fromServer.finish();
        this.#arm(cutGraceMs, () => this.#destroyBoth());
        break;
      case 'reset':
        this.#close('relay', 'rst');
        this.#resetBoth();
        break;
      case 'half-close':
        this.#close('relay', 'fin');
        this.#fromServer.finish();
        break;
      case 'stall':
        this.#fromClient.stall();
        this.#fromServer.stall();
        break;
      case 'drop-idle':
        this.#fromClient.swallow();
        this.#fromServer.swallow();
        break;
    }
  }

  #note(kind: TapFault['kind']): void {
    const event = { kind, atNs: tapNowNs() };
    this.#faults.push(event);
    this.#options.onFault(event, this.#options.id);
  }

  #noticeActivity(): void {
    this.#idleTimer?.refresh();
  }

  /** A socket is no more; the other side hears of it as a RST, as it would from its peer. */
  #failed(side: Side, error: NodeJS.ErrnoException): void {
    const timedOut = error.code === 'ETIMEDOUT';
    if (side === 'server' && this.#connectNs === null) this.#refused(error);
    else this.#close(timedOut ? 'network' : side, timedOut ? 'timeout' : 'rst');
    const [own, other] = side === 'client' ? [this.#seenByClient, this.#seenByServer] : [this.#seenByServer, this.#seenByClient];
    // After a timeout nobody sent a reset here.
    if (!timedOut) own.reset(side);
    this.#fromClient.end();
    this.#fromServer.end();
    const socket = side === 'client' ? this.#back : this.#front;
    if (socket.destroyed) return;
    if (this.#isForgotten()) return;
    other.reset(side);
    this.#reset(socket);
  }

  #isForgotten(): boolean {
    return this.#faults.some(({ kind }) => kind === 'drop-idle');
  }

  /** There is no server to relay to: told as the server's reset, which it is when it refuses. */
  #refused(error: NodeJS.ErrnoException): void {
    this.#failure = tapFailureOf(error, this.#options.to);
    const { fault } = this.#failure;
    this.#close(fault === 'server' ? 'server' : 'network', error.code === 'ETIMEDOUT' ? 'timeout' : 'rst');
    if (error.code !== 'ECONNREFUSED' && error.code !== 'ECONNRESET') return;
    // Without a relay between them the client would have been refused like this.
    this.#seenByClient.syn('client', this.#openedAtNs);
    this.#seenByServer.opened(this.#client, { address: this.#options.to.host, port: this.#options.to.port }, this.#openedAtNs);
    this.#seenByServer.syn('client', this.#openedAtNs);
  }

  #close(by: TapClose['by'], how: TapClose['how']): void {
    this.#firstClose ??= { by, how, atNs: tapNowNs() };
  }

  #resetBoth(): void {
    this.#fromClient.end();
    this.#fromServer.end();
    for (const [side, socket, seen] of [
      ['client', this.#front, this.#seenByClient],
      ['server', this.#back, this.#seenByServer],
    ] as const) {
      if (socket.destroyed) continue;
      const reset = (): void => {
        if (socket.destroyed) return;
        // To each side the reset comes from the other.
        seen.reset(otherSide(side));
        this.#reset(socket);
      };
      // What was written before shall arrive before.
      if (socket.writableLength === 0) reset();
      else {
        socket.write(Buffer.alloc(0), reset);
        this.#arm(resetGraceMs, reset);
      }
    }
  }

  /** A socket of which the FIN is just being handed to the kernel cannot be reset at that moment: Node would lose it without closing it. */
  #reset(socket: Socket): void {
    if (!socket.writableEnded || socket.writableFinished) {
      socket.resetAndDestroy();
      return;
    }
    socket.once('finish', () => {
      if (!socket.destroyed) socket.resetAndDestroy();
    });
    this.#arm(resetGraceMs, () => socket.destroy());
  }

  #destroyBoth(): void {
    this.#front.destroy();
    this.#back.destroy();
  }

  #arm(afterMs: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, afterMs);
    this.#timers.add(timer);
  }

  #ended(): void {
    this.#fromClient.end();
    this.#fromServer.end();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    if (this.#idleTimer !== null) clearTimeout(this.#idleTimer);
    this.#seenByClient.closed('finished');
    this.#seenByServer.closed('finished');
    this.#options.onClosed({
      id: this.#options.id,
      client: this.#client,
      server: this.#server,
      openedAtNs: this.#openedAtNs,
      connectNs: this.#connectNs,
      closedAtNs: tapNowNs(),
      bytesFromClient: this.bytesFromClient,
      bytesFromServer: this.bytesFromServer,
      firstClose: this.#firstClose,
      faults: this.#faults,
      failure: this.#failure,
    });
  }
}

const endpointOf = (address: string | undefined, port: number | undefined): Endpoint => ({
  address: (address ?? '0.0.0.0').replace(/^::ffff:(?=\d+\.)/, ''),
  port: port ?? 0,
});
