/**
 * Processes that the lab has started: each is ended by its own id, in the end at the latest when the lab's process ends. Programs of ours
 * also end with their standard input.
 */

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const running = new Set<ChildProcessWithoutNullStreams>();
let watched = false;

/** How long a process may take to end when it was asked to. */
const patienceMs = 2000;
/** Characters of its messages that are kept. */
const messagesLimit = 4000;

/** A peer that did not start, or ended before its time; the message says what it said. */
export class PeerFailure extends Error {
  override readonly name = 'PeerFailure';
}

export class StartedProcess {
  readonly child: ChildProcessWithoutNullStreams;
  readonly #name: string;
  readonly #lines: string[] = [];
  #wanted: ((line: string | null) => void) | null = null;
  #messages = '';
  #ended = false;
  readonly ended: Promise<void>;

  constructor(command: string, args: readonly string[], options: { readonly cwd?: string } = {}) {
    this.#name = command;
    if (!watched) {
      watched = true;
      process.once('exit', () => {
        for (const child of running) child.kill('SIGKILL');
      });
    }
    this.child = spawn(command, args, {
      ...options,
      stdio: 'pipe',
      env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin` },
    });
    running.add(this.child);
    this.child.stdin.on('error', () => {});
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#messages = (this.#messages + text).slice(-messagesLimit);
    });
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      if (this.#wanted === null) this.#lines.push(line);
      else this.#give(line);
    });
    this.ended = once(this.child, 'close').then(
      () => this.#end(),
      (error: Error) => {
        this.#messages = error.message;
        this.#end();
      },
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** What it wrote to standard error, the newest part of it. */
  get messages(): string {
    return this.#messages.trim();
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** The next line of its standard output. Throws when it ends before. One asks at a time. */
  async line(): Promise<string> {
    const line =
      this.#lines.shift() ??
      (this.#ended
        ? null
        : await new Promise<string | null>((done) => {
            this.#wanted = done;
          }));
    if (line !== null) return line;
    throw new PeerFailure(`${this.#name} ended early${this.messages === '' ? '' : `: ${this.messages}`}`);
  }

  tell(line: string): void {
    this.child.stdin.write(`${line}\n`);
  }

  /** Ends it and waits until it has ended. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (this.#ended) return;
    this.child.kill(signal);
    const insist = setTimeout(() => this.child.kill('SIGKILL'), patienceMs);
    await this.ended;
    clearTimeout(insist);
  }

  #give(line: string | null): void {
    const wanted = this.#wanted;
    this.#wanted = null;
    wanted?.(line);
  }

  #end(): void {
    this.#ended = true;
    running.delete(this.child);
    this.#give(null);
  }
}
