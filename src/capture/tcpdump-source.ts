/**
 * A live source that is another program: tcpdump or dumpcap of this host, or tcpdump of another host over ssh, writing pcap to a
 * pipe. It is handed out as pcapng, like everything live.
 *
 * Rules
 * - Opened means listening: the header of the file has come, so the filter is set and packets from now on are seen.
 * - A slow reader makes the pipe full, and the program's kernel buffer after it. What is lost then, the program counts; nothing is
 *   dropped here.
 * - The program's own counts are known only when it has ended.
 * - Both programs lose, when they are told to end, what their kernel buffer has not handed out yet; it does so at intervals. So one interval
 *   is waited for first, and Ctrl-C on a terminal must not reach them directly. (ssh stays with the terminal: it may ask for a password.)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { release, type } from 'node:os';
import { CaptureError } from './capture-error.js';
import { captureDefaults, captureLimits, type PacketSourceOptions } from './capture-options.js';
import { captureTools, type ToolCounts, type ToolName, type ToolOptions, toolCommand, toolFailure } from './capture-tool.js';
import { ChunkQueue } from './chunk-queue.js';
import type { PacketSource } from './packet-source.js';
import { PcapToPcapng } from './pcap-to-pcapng.js';
import { pcapngStatistics } from './pcapng-blocks.js';
import { sshArguments } from './ssh-command.js';

export interface TcpdumpSourceOptions extends PacketSourceOptions {
  /** Which program, on this host; tcpdump by default. Over ssh it is always tcpdump. */
  readonly tool?: ToolName | undefined;
}

/** Characters of a program's messages that are kept. */
const messagesLimit = 16 * 1024;
/** How long a program may take to end once it was told to. */
const patienceMs = 5000;
/** The intervals of the rule above: measured as 1000 ms and 250 ms. tcpdump's immediate mode would have none, and little room. */
const settleMs: Readonly<Record<ToolName, number>> = { tcpdump: 1100, dumpcap: 350 };
/** Exit code of ssh for its own failures. */
const sshFailed = 255;

/** Begins to capture with a program. Throws CaptureError with what the program said when it cannot. */
export async function openTcpdumpSource(options: TcpdumpSourceOptions): Promise<PacketSource> {
  const tool = options.ssh === undefined ? (options.tool ?? 'tcpdump') : 'tcpdump';
  const asked = askedOf(options);
  const [program, ...args] =
    options.ssh === undefined ? toolCommand(tool, asked) : ['ssh', ...sshArguments(options.ssh, asked, options.sudo === true)];
  const child = spawn(program!, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: options.ssh === undefined,
    env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/local/sbin` },
  });
  const capture = new ToolCapture(child, {
    tool,
    host: options.ssh,
    asked,
    name: options.ssh === undefined ? `${asked.interface}, ${tool}` : `${asked.interface} of ${options.ssh}, tcpdump over ssh`,
  });
  await capture.listening;
  return capture;
}

const askedOf = (options: PacketSourceOptions): ToolOptions => ({
  interface: options.interface ?? captureDefaults.interface,
  filter: options.filter ?? '',
  snapLength: options.snapLength ?? captureDefaults.snapLength,
  bufferBytes: options.bufferBytes ?? captureDefaults.bufferBytes,
  packetLimit: options.packetLimit,
});

const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;

interface ToolIdentity {
  readonly tool: ToolName;
  readonly host: string | undefined;
  readonly asked: ToolOptions;
  readonly name: string;
}

class ToolCapture implements PacketSource {
  readonly name: string;
  readonly listening: Promise<void>;
  readonly #child: ChildProcess;
  readonly #identity: ToolIdentity;
  readonly #queue: ChunkQueue;
  readonly #form: PcapToPcapng;
  readonly #startNs = nowNs();
  readonly #ended: Promise<void>;
  #messages = '';
  #counts: ToolCounts = { received: null, dropped: null };
  #stopping = false;
  #stopped: Promise<void> | null = null;

  constructor(child: ChildProcess, identity: ToolIdentity) {
    this.name = identity.name;
    this.#child = child;
    this.#identity = identity;
    const { asked, host } = identity;
    const operatingSystem = host === undefined ? `${type()} ${release()}` : `that of ${host}`;
    this.#form = new PcapToPcapng({ interfaceName: asked.interface, filter: asked.filter, operatingSystem });
    const output = child.stdout!;
    this.#queue = new ChunkQueue(() => {
      if (this.#queue.byteCount < captureLimits.queuedBytes) output.resume();
    });
    // A program that ended at once takes no end of input.
    child.stdin!.on('error', () => {});
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#messages = (this.#messages + text).slice(-messagesLimit);
    });
    this.#ended = this.#untilEnd();
    this.listening = new Promise((resolve, reject) => {
      output.on('data', (chunk: Buffer) => {
        this.#pass(chunk);
        if (this.#queue.byteCount >= captureLimits.queuedBytes && !this.#stopping) output.pause();
        resolve();
      });
      // Without a byte of output the reason is in the failure; after the first this changes nothing.
      this.#ended.then(() => reject(this.#failure(child.exitCode)), reject);
    });
  }

  get chunks(): AsyncIterable<Uint8Array> {
    return this.#queue;
  }

  statistics(): ReturnType<PacketSource['statistics']> {
    return {
      received: this.#counts.received,
      droppedByKernel: this.#counts.dropped,
      droppedBySource: 0,
      delivered: this.#form.packets,
    };
  }

  #pass(chunk: Buffer): void {
    try {
      const blocks = this.#form.push(chunk);
      if (blocks !== null) this.#queue.push(blocks);
    } catch (error) {
      if (!(error instanceof CaptureError)) throw error;
      this.#queue.end(error);
      this.#child.kill('SIGKILL');
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    // What is in the pipe must come out, or the program cannot end: at most what its kernel buffer holds.
    this.#stopping = true;
    this.#child.stdout!.resume();
    await this.#endedWithin(settleMs[this.#identity.tool]);
    if (this.#identity.host === undefined) this.#child.kill('SIGINT');
    else this.#child.stdin!.end();
    if (!(await this.#endedWithin(patienceMs))) this.#child.kill('SIGKILL');
    await this.#ended.catch(() => {});
  }

  async #endedWithin(timeMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<false>((resolve) => {
      timer = setTimeout(resolve, timeMs, false);
    });
    const ended = this.#ended.then(
      () => true,
      () => true,
    );
    const won = await Promise.race([ended, late]);
    clearTimeout(timer);
    return won;
  }

  /** Resolves when the program has ended and all it said is read; rejects when it could not even begin. */
  async #untilEnd(): Promise<void> {
    try {
      await once(this.#child, 'close');
    } catch (cause) {
      const failure = this.#cannotBegin(cause as NodeJS.ErrnoException);
      this.#queue.end(failure);
      throw failure;
    }
    this.#counts = captureTools[this.#identity.tool].counts(this.#messages);
    const { exitCode, signalCode } = this.#child;
    const { received, droppedByKernel, delivered } = this.statistics();
    if (this.#form.begun)
      this.#queue.push(pcapngStatistics({ startNs: this.#startNs, endNs: nowNs(), received, droppedByKernel, delivered }));
    const well = this.#stopping || exitCode === 0 || signalCode === 'SIGINT';
    this.#queue.end(well ? null : this.#failure(exitCode));
  }

  #cannotBegin(cause: NodeJS.ErrnoException): CaptureError {
    const { host, tool } = this.#identity;
    const program = host === undefined ? tool : 'ssh';
    const text = cause.code === 'ENOENT' ? `there is no ${program} on this host` : `${program} cannot be run: ${cause.message}`;
    return new CaptureError(cause.code === 'EACCES' ? 'not-permitted' : 'missing-program', text, { cause });
  }

  #failure(exitCode: number | null): CaptureError {
    const { host, tool } = this.#identity;
    if (host === undefined) return toolFailure(this.#messages, tool);
    if (exitCode === sshFailed) {
      const said = this.#messages.trim().split('\n').slice(-2).join(' ');
      return new CaptureError('ssh-failed', `ssh to ${host}: ${said === '' ? 'it failed without a word' : said}`);
    }
    const { code, message } = toolFailure(this.#messages, 'tcpdump');
    const wayOut = `holdfast capture --ssh root@${host.replace(/^.*@/, '')} …
holdfast capture --ssh ${host} --sudo …`;
    return new CaptureError(code, `${host}: ${message}`, code === 'not-permitted' ? { wayOut } : {});
  }
}
