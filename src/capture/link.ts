/**
 * A link with a real round trip: a TUN device in a network namespace of its own, and a thread that carries each packet from the
 * namespace back into it, after a while, with source and destination swapped. So the kernel's TCP speaks to itself across a line that
 * has delay, loss and whatever else is asked for, and nothing of it touches the addresses of the machine.
 *
 *     client ── connects to 198.18.0.2 ──► TUN device ─► fate, delay, swap ─► TUN device ──► server, listens on 198.18.0.1 (or all)
 *                                                                                            and sees its client as 198.18.0.2
 *
 * Every address of 198.18.0.0/24 but the first answers so, as another server of the same machine. (RFC 2544 set the network
 * aside for measuring.) Only IPv4. Segments are as long as on Ethernet: the device has an MTU of 1500.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { CaptureError } from './capture-error.js';
import { ChunkQueue } from './chunk-queue.js';
import { type LinkStatistics, newCounts, readCounts } from './link-counts.js';
import type { LinkToMain, LinkToWorker, LinkWorkerData } from './link-messages.js';
import { inOwnNetwork } from './link-namespace.js';
import { type LinkEnd, newRecordingCounts, recordingPlace } from './link-recording.js';
import { applySettings, forgetNowPlace, type LinkSettings, newSettings, toClient, toServer } from './link-settings.js';
import type { PacketSource } from './packet-source.js';

export interface LinkOptions extends LinkSettings {
  /** The same seed lets chance fall the same way: the same packets of each direction are lost. Default 1. */
  readonly seed?: number;
}

export interface Link {
  /** What both ends have as their own address; servers listen here. */
  readonly clientAddress: string;
  /** What clients connect to. */
  readonly serverAddress: string;
  /** Changes what is given, from the next packet on. Throws CaptureError `bad-request`. */
  change(settings: LinkSettings): void;
  /** Has the middlebox forget every connection now, as when it is restarted or fails over. Needs `middlebox` to be set. */
  forgetAll(): void;
  /** What passed and what did not, at this moment. */
  statistics(): LinkStatistics;
  /** Records what one end sees from the next packet on (link type RAW, nanoseconds), with comments on packets that are lost. */
  record(end: LinkEnd): PacketSource;
  /** Takes the link down; recordings end. Packets under way are lost. Rejects with the reason when the link had failed before. */
  close(): Promise<void>;
}

export const linkAddresses = { client: '198.18.0.1', server: '198.18.0.2' } as const;

const deviceName = 'link0';

/** Makes the link and brings it up. Throws CaptureError: outside a namespace of its own (`enterOwnNetwork`), or when there can be none. */
export async function openLink(options: LinkOptions = {}): Promise<Link> {
  if (!inOwnNetwork()) {
    throw new CaptureError('bad-request', 'a link is made in a network namespace of its own only', {
      wayOut: 'Call enterOwnNetwork first.',
    });
  }
  const link = new RunningLink(options);
  await link.up();
  return link;
}

interface Recording {
  readonly queue: ChunkQueue;
  readonly ended: () => void;
}

class RunningLink implements Link {
  readonly clientAddress = linkAddresses.client;
  readonly serverAddress = linkAddresses.server;
  readonly #settings = newSettings();
  readonly #counts = newCounts();
  readonly #messagesSent = new Int32Array(new SharedArrayBuffer(4));
  readonly #recordings = new Map<number, Recording>();
  readonly #worker: Worker;
  readonly #exited: Promise<unknown>;
  #recorded = 0;
  #overrun = 0;
  #closing = false;
  #state: 'starting' | 'up' | 'closed' = 'starting';
  #failure: CaptureError | null = null;

  constructor({ seed = 1, ...settings }: LinkOptions) {
    applySettings(this.#settings, settings);
    const workerData: LinkWorkerData = {
      settings: this.#settings,
      counts: this.#counts,
      messagesSent: this.#messagesSent,
      seed,
      device: deviceName,
      address: this.clientAddress,
    };
    this.#worker = new Worker(new URL('./link-worker.js', import.meta.url), { workerData });
    this.#worker.on('message', (message: LinkToMain) => this.#take(message));
    this.#worker.on('error', (cause) => this.#fail(new CaptureError('failed', `the link failed: ${cause}`, { cause })));
    this.#exited = once(this.#worker, 'exit').finally(() => this.#end());
    this.#exited.catch(() => {});
  }

  /** Resolves when the first packet can pass. */
  async up(): Promise<void> {
    while (this.#state === 'starting' && this.#failure === null) {
      await Promise.race([once(this.#worker, 'message').catch(() => {}), this.#exited.catch(() => {})]);
    }
    if (this.#failure !== null) throw this.#failure;
    // A link that nobody closes does not keep the process.
    this.#worker.unref();
  }

  change(settings: LinkSettings): void {
    applySettings(this.#settings, settings);
  }

  forgetAll(): void {
    this.#settings[forgetNowPlace]!++;
  }

  statistics(): LinkStatistics {
    const [there, back] = [readCounts(this.#counts, toServer), readCounts(this.#counts, toClient)];
    // The device is gone with its thread.
    if (this.#state === 'up') this.#overrun = readOverrun();
    return { toServer: there, toClient: back, overrun: this.#overrun };
  }

  record(end: LinkEnd): PacketSource {
    const id = this.#recorded++;
    const counts = newRecordingCounts();
    const queue = new ChunkQueue((byteCount) => {
      counts[recordingPlace.takenBytes]! += byteCount;
    });
    let ended = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      ended = resolve;
    });
    if (this.#state === 'up') {
      this.#recordings.set(id, { queue, ended });
      // Whoever reads a recording is waited for.
      this.#worker.ref();
      this.#say({ kind: 'record', id, end, counts });
    } else {
      queue.end(this.#failure);
      ended();
    }
    return {
      name: `the link, the ${end}'s end`,
      chunks: queue,
      statistics: () => ({
        received: counts[recordingPlace.packets]! + counts[recordingPlace.dropped]!,
        droppedByKernel: null,
        droppedBySource: counts[recordingPlace.dropped]!,
        delivered: counts[recordingPlace.packets]!,
      }),
      stop: () => {
        if (this.#recordings.has(id)) this.#say({ kind: 'end-recording', id });
        return stopped;
      },
    };
  }

  async close(): Promise<void> {
    if (this.#state === 'up') {
      this.#overrun = readOverrun();
      this.#say({ kind: 'close' });
    }
    this.#closing = true;
    this.#worker.ref();
    await this.#exited;
    if (this.#failure !== null) throw this.#failure;
  }

  #say(message: LinkToWorker): void {
    this.#worker.postMessage(message);
    Atomics.add(this.#messagesSent, 0, 1);
  }

  #take(message: LinkToMain): void {
    switch (message.kind) {
      case 'up':
        this.#state = 'up';
        break;
      case 'failed':
        this.#fail(new CaptureError(message.code, message.message, message.wayOut === null ? {} : { wayOut: message.wayOut }));
        break;
      case 'piece':
        this.#recordings.get(message.id)?.queue.push(message.piece);
        break;
      case 'recorded':
        this.#endRecording(message.id);
        break;
      case 'closed':
        this.#state = 'closed';
        break;
    }
  }

  #fail(error: CaptureError): void {
    this.#failure ??= error;
    this.#end();
  }

  /** The thread is gone. */
  #end(): void {
    this.#state = 'closed';
    for (const id of [...this.#recordings.keys()]) this.#endRecording(id);
  }

  #endRecording(id: number): void {
    const recording = this.#recordings.get(id);
    if (recording === undefined) return;
    this.#recordings.delete(id);
    if (this.#recordings.size === 0 && !this.#closing) this.#worker.unref();
    recording.queue.end(this.#failure);
    recording.ended();
  }
}

/** What the device dropped: the 12th number behind its name, "drop" of "Transmit". */
function readOverrun(): number {
  const line = readFileSync('/proc/self/net/dev', 'latin1')
    .split('\n')
    .find((each) => each.trimStart().startsWith(`${deviceName}:`));
  return Number(
    line
      ?.slice(line.indexOf(':') + 1)
      .trim()
      .split(/\s+/)[11] ?? 0,
  );
}
