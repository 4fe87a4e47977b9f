/**
 * Where a scenario is played: it starts servers and clients by their names, on ports and in folders of their own, and ends all of them.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Side } from '../base/index.js';
import { type Link, readSocketTable } from '../capture/index.js';
import type { ClientPeer, RunningClient } from './peers/client-peer.js';
import { holdfastClient } from './peers/our-clients.js';
import { type ServerSettings, usualServer } from './peers/server-part.js';
import type { ServerPeer } from './peers/server-peer.js';
import { type Answer, type Ask, type ClientSettings, type Step, usualClient } from './peers/step.js';
import type { Sabotage } from './sabotage.js';
import type { Scale } from './scale.js';
import type { StartedProcess } from './started-process.js';

/** The ways from clients to servers. */
export interface Ground {
  /** What servers listen on, and what clients connect to. */
  readonly serverAddress: string;
  readonly clientAddress: string;
  /** Lets clients reach a server that listens on that port; where they connect to: another port when a relay stands between. */
  open(port: number): Promise<number>;
  nextPort(): number;
  readonly link: Link | null;
}

export interface StageOptions {
  readonly scale: Scale;
  readonly ground: Ground;
  readonly serverPeer: ServerPeer;
  readonly clientPeer: ClientPeer;
  readonly sabotage: Sabotage | null;
  /** Told what happens, a line each. */
  readonly tell: (line: string) => void;
}

export interface StageServer {
  readonly port: number;
  /** Where clients connect to. */
  readonly openPort: number;
  readonly process: StartedProcess;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

/** A client under the scenario's direction. Every method takes its steps to the end. */
export class StageClient {
  readonly #running: RunningClient;
  readonly #tell: (line: string) => void;

  constructor(running: RunningClient, tell: (line: string) => void) {
    this.#running = running;
    this.#tell = tell;
  }

  async take(...steps: readonly Step[]): Promise<readonly Answer[]> {
    const answers = await this.#running.take(steps);
    for (const { path, error } of answers) if (error !== null) this.#tell(`the client: ${path} failed: ${error}`);
    return answers;
  }

  async ask(ask: Ask | string): Promise<Answer> {
    return (await this.take({ kind: 'ask', ask: typeof ask === 'string' ? { path: ask } : ask }))[0]!;
  }

  async untilClosed(mostMs: number): Promise<void> {
    await this.take({ kind: 'until-closed', mostMs });
  }

  async leave(): Promise<void> {
    await this.take({ kind: 'leave' });
  }

  /** Ends the process without a word. */
  stop(): Promise<void> {
    return this.#running.stop();
  }
}

export type SocketState = 'TIME_WAIT' | 'CLOSE_WAIT';

/** How a count is named: "TIME_WAIT of the server". */
export const countName = (state: SocketState, of: Side): string => `${state} of the ${of}`;

export class Stage {
  readonly scale: Scale;
  /** What the kernel's table said when asked, by name. */
  readonly counted = new Map<string, number>();
  readonly #options: StageOptions;
  readonly #folders: string[] = [];
  readonly #servers: StartedProcess[] = [];
  readonly #clients: RunningClient[] = [];
  #firstPort = 0;

  constructor(options: StageOptions) {
    this.#options = options;
    this.scale = options.scale;
  }

  /** The link; only scenarios that ask for one have it. */
  get link(): Link {
    return this.#options.ground.link!;
  }

  async server(settings: Partial<ServerSettings> = {}): Promise<StageServer> {
    const { ground, serverPeer, sabotage } = this.#options;
    const port = ground.nextPort();
    const asked = { ...usualServer, ...settings };
    const process = await serverPeer.start(
      { address: ground.serverAddress, port, folder: await this.#folder() },
      sabotage?.server?.(asked) ?? asked,
    );
    this.#servers.push(process);
    const openPort = await ground.open(port);
    if (this.#firstPort === 0) this.#firstPort = openPort;
    return { port, openPort, process, kill: () => process.stop('SIGKILL') };
  }

  /** A client of the first server, or of the one that is given. */
  client(settings: Partial<ClientSettings> = {}, of?: StageServer): Promise<StageClient> {
    return this.#start(this.#options.clientPeer, settings, of);
  }

  /** The engine's client, whoever else plays. */
  ourClient(settings: Partial<ClientSettings> = {}, of?: StageServer): Promise<StageClient> {
    return this.#start(holdfastClient, settings, of);
  }

  /** How much later than asked the server closes idle connections. */
  get closesLateByMs(): number {
    return this.#options.serverPeer.closesLateByMs;
  }

  async #start(clientPeer: ClientPeer, settings: Partial<ClientSettings>, of: StageServer | undefined): Promise<StageClient> {
    const { ground, sabotage, tell } = this.#options;
    const asked = { ...usualClient, ...settings };
    const running = await clientPeer.start(
      { address: ground.clientAddress, port: of?.openPort ?? this.#firstPort, folder: await this.#folder() },
      sabotage?.client?.(asked) ?? asked,
    );
    this.#clients.push(running);
    return new StageClient(running, tell);
  }

  /** A duration of real life, waited for here. */
  async pause(realSeconds: number): Promise<void> {
    await this.pauseMs(this.scale.ms(realSeconds));
  }

  async pauseMs(ms: number): Promise<void> {
    await new Promise((done) => setTimeout(done, ms));
  }

  /** Asks the kernel how many sockets of that side of the server's connections are in that state, and keeps the answer for the expectations. */
  count(state: SocketState, of: Side, { port }: StageServer): void {
    const { sockets } = readSocketTable({ owners: false });
    const ofServer = sockets.filter((socket) => (of === 'server' ? socket.local : socket.remote).port === port);
    this.counted.set(countName(state, of), ofServer.filter((socket) => socket.state === state).length);
  }

  tell(line: string): void {
    this.#options.tell(line);
  }

  /** Ends everybody who is still there. */
  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.stop()));
    await Promise.all(this.#servers.map((server) => server.stop()));
    for (const folder of this.#folders.splice(0)) await rm(folder, { recursive: true, force: true });
  }

  async #folder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-lab-'));
    this.#folders.push(folder);
    return folder;
  }
}
