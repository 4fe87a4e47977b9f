/**
 * A relay between a client and a server, for those who may not capture packets: it reads and writes what passes, so it can tell the
 * same stories (who asked what, who closed first, by FIN or RST), and can be told to do wrong what networks do wrong.
 *
 * It is a TCP peer to both sides, not a wire: each side has a connection of its own with its own handshake, acknowledgements and
 * buffers. What only packets show is not told: retransmissions, probes, who acknowledged what.
 */
import { once } from 'node:events';
import { createServer, isIP, type Server, type Socket } from 'node:net';
import type { Endpoint, Observer } from '../base/index.js';
import { CaptureError } from './capture-error.js';
import { type TapFault, tapFaultChooser } from './tap-faults.js';
import { type TapConnection, type TapFaultEvent, TapPair } from './tap-pair.js';

export interface TapOptions {
  /** Default host: 127.0.0.1. Port 0: a free one. */
  readonly listen: { readonly host?: string; readonly port: number };
  readonly to: { readonly host: string; readonly port: number };
  readonly faults?: readonly TapFault[];
  /** Chooses the connections of faults with a chance. Default 1. */
  readonly seed?: number;
  /** Connections at once; more are closed as they come, and counted. Default 1000. */
  readonly connectionLimit?: number;
  /** Default 10 s. */
  readonly connectTimeoutMs?: number;
  /** Takes what the clients see: their connections, with the server's address as they would know it. */
  readonly observeClientSide?: Observer;
  /** Takes what the server sees: the relay's connections to it. The numbers of the connections are the same. */
  readonly observeServerSide?: Observer;
  readonly onFault?: (event: TapFaultEvent, id: number) => void;
  /** A pair is over. */
  readonly onConnection?: (connection: TapConnection) => void;
}

export interface TapStatistics {
  readonly connections: number;
  readonly open: number;
  /** Closed at once because of `connectionLimit`. */
  readonly overLimit: number;
  /** Could not be relayed: the server could not be reached. */
  readonly failed: number;
  readonly bytesFromClients: number;
  readonly bytesFromServer: number;
}

export interface Tap {
  /** Where it listens. */
  readonly address: Endpoint;
  statistics(): TapStatistics;
  /** Does this to one open connection, or to all of them, now. */
  inject(kind: 'cut' | 'reset' | 'stall' | 'half-close' | 'drop-idle', id?: number): void;
  /** Stops listening and resets what is open. Resolves when all has been told. */
  close(): Promise<void>;
}

export const tapDefaults = { host: '127.0.0.1', connectionLimit: 1000, connectTimeoutMs: 10_000 } as const;

/** Listens and relays. Throws CaptureError: the port is taken, the address is not this machine's, a fault makes no sense. */
export async function openTap(options: TapOptions): Promise<Tap> {
  const tap = new RunningTap(options);
  await tap.listening();
  return tap;
}

class RunningTap implements Tap {
  readonly #options: TapOptions;
  readonly #server: Server;
  readonly #pairs = new Map<number, TapPair>();
  readonly #chooseFaults: (number: number) => TapFault[];
  #address: Endpoint = { address: '', port: 0 };
  #connections = 0;
  #overLimit = 0;
  #failed = 0;
  #bytesFromClients = 0;
  #bytesFromServer = 0;
  #allClosed: () => void = () => {};

  constructor(options: TapOptions) {
    this.#options = options;
    this.#chooseFaults = tapFaultChooser(options.faults ?? [], options.seed ?? 1);
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    this.#server.maxConnections = options.connectionLimit ?? tapDefaults.connectionLimit;
    this.#server.on('connection', (socket) => this.#accept(socket));
    this.#server.on('drop', () => {
      this.#overLimit++;
    });
  }

  get address(): Endpoint {
    return this.#address;
  }

  async listening(): Promise<void> {
    const { listen, to } = this.#options;
    const host = listen.host ?? tapDefaults.host;
    if (listen.port === to.port && isSameHost(host, to.host))
      throw new CaptureError('bad-request', `a relay from port ${to.port} to itself would go round in circles`);
    this.#server.listen(listen.port, host);
    try {
      await once(this.#server, 'listening');
    } catch (error) {
      throw listenError(error as NodeJS.ErrnoException, host, listen.port);
    }
    this.#address = this.#server.address() as Endpoint & { family: string };
    this.#address = { address: this.#address.address, port: this.#address.port };
  }

  statistics(): TapStatistics {
    const open = [...this.#pairs.values()];
    return {
      connections: this.#connections,
      open: this.#pairs.size,
      overLimit: this.#overLimit,
      failed: this.#failed,
      bytesFromClients: open.reduce((sum, pair) => sum + pair.bytesFromClient, this.#bytesFromClients),
      bytesFromServer: open.reduce((sum, pair) => sum + pair.bytesFromServer, this.#bytesFromServer),
    };
  }

  inject(kind: Parameters<Tap['inject']>[0], id?: number): void {
    for (const [number, pair] of [...this.#pairs]) if (id === undefined || number === id) pair.inject(kind);
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const ended = new Promise<void>((resolve) => {
      this.#allClosed = resolve;
    });
    for (const pair of [...this.#pairs.values()]) pair.close();
    if (this.#pairs.size > 0) await ended;
    await closed;
  }

  #accept(front: Socket): void {
    const { to, connectTimeoutMs, observeClientSide, observeServerSide, onFault, onConnection } = this.#options;
    const id = this.#connections++;
    const pair = new TapPair({
      id,
      front,
      to,
      connectTimeoutMs: connectTimeoutMs ?? tapDefaults.connectTimeoutMs,
      faults: this.#chooseFaults(id + 1),
      observeClientSide,
      observeServerSide,
      onFault: (event) => onFault?.(event, id),
      onClosed: (connection) => {
        this.#pairs.delete(id);
        this.#bytesFromClients += connection.bytesFromClient;
        this.#bytesFromServer += connection.bytesFromServer;
        if (connection.failure !== null) this.#failed++;
        onConnection?.(connection);
        if (this.#pairs.size === 0) this.#allClosed();
      },
    });
    this.#pairs.set(id, pair);
  }
}

const isSameHost = (a: string, b: string): boolean => a === b || (isOwn(a) && isOwn(b));
const isOwn = (host: string): boolean =>
  host === 'localhost' || host === '::1' || host === '::' || host === '0.0.0.0' || (isIP(host) === 4 && host.startsWith('127.'));

function listenError(error: NodeJS.ErrnoException, host: string, port: number): CaptureError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new CaptureError('address-in-use', `port ${port} of ${host} is taken`, {
        wayOut: `holdfast sockets :${port}     shows by whom; or choose another port`,
        cause: error,
      });
    case 'EACCES':
      return new CaptureError('not-permitted', `port ${port} needs rights that this user does not have`, {
        wayOut: 'Choose a port from 1024 on.',
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new CaptureError('no-such-host', `${host} is no address of this machine`, { cause: error });
    default:
      return new CaptureError('failed', `cannot listen on ${host}:${port}: ${error.message}`, { cause: error });
  }
}
