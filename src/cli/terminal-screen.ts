/**
 * A terminal's other screen, drawn line by line: only lines that changed are written, never more than one frame at a time, and never so that
 * the process waits for a slow terminal. Whatever ends the process (a key, a signal, an exception, a terminal that is gone), the
 * terminal is as it was before. Ctrl-Z and SIGTSTP leave the screen while the process is stopped, SIGCONT takes it up again.
 *
 * By hand, because it is little: what a library would add (widgets, layout) is not needed here, keys are read by Node.
 */
import { openSync, write, writeSync } from 'node:fs';
import { emitKeypressEvents } from 'node:readline';
import { ReadStream, type WriteStream } from 'node:tty';

/** The other screen, no cursor, no wrapping at the right edge. */
const enterCodes = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J';
const leaveCodes = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l';

export interface Key {
  /** As Node names it (`up`, `return`, `escape`, `a`), or the character itself. */
  readonly name: string;
  /** The character, when it is one that can be typed. */
  readonly text: string;
  readonly ctrl: boolean;
}

export interface ScreenEvents {
  readonly key: (key: Key) => void;
  /** All has to be drawn anew: another size, or the screen was left meanwhile. */
  readonly redraw: () => void;
  /** SIGINT, SIGTERM, SIGHUP, or the terminal is gone. */
  readonly end: () => void;
}

/** Node's types leave out the number of its file. */
type Terminal = WriteStream & { readonly fd: number };

const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const leastColumns = 1;

export class TerminalScreen {
  readonly #output: Terminal;
  readonly #input: ReadStream | null;
  readonly #ownInput: number | null;
  readonly #events: ScreenEvents;
  #lines: string[] = [];
  #size = '';
  #inside = false;
  #writing: Promise<void> | null = null;
  #gone = false;

  /** `input`: a keyboard; where it is none (a pipe), the terminal itself is asked. */
  constructor(output: NodeJS.WriteStream, input: NodeJS.ReadStream, events: ScreenEvents) {
    this.#output = output as Terminal;
    this.#events = events;
    this.#ownInput = input.isTTY ? null : openKeyboard();
    this.#input = input.isTTY ? (input as ReadStream) : this.#ownInput === null ? null : new ReadStream(this.#ownInput);
  }

  get columns(): number {
    return Math.max(leastColumns, this.#output.columns || 80);
  }

  get rows(): number {
    return Math.max(1, this.#output.rows || 24);
  }

  enter(): void {
    for (const signal of endSignals) process.on(signal, this.#events.end);
    process.on('SIGTSTP', this.#suspend);
    process.on('SIGCONT', this.#resume);
    process.on('exit', this.#restore);
    process.on('uncaughtExceptionMonitor', this.#restore);
    this.#output.on('resize', this.#resized);
    this.#output.on('error', this.#lost);
    if (this.#input !== null) {
      emitKeypressEvents(this.#input);
      this.#input.on('keypress', this.#pressed);
      this.#input.on('error', this.#lost);
      this.#input.on('end', this.#lost);
      this.#input.resume();
    }
    this.#takeScreen();
  }

  /** Waits for what is being written, then leaves everything as it was. */
  async leave(): Promise<void> {
    await Promise.race([this.#writing, new Promise((resolve) => setTimeout(resolve, patienceMs).unref())]);
    this.#restore();
    for (const signal of endSignals) process.off(signal, this.#events.end);
    process.off('SIGTSTP', this.#suspend);
    process.off('SIGCONT', this.#resume);
    process.off('exit', this.#restore);
    process.off('uncaughtExceptionMonitor', this.#restore);
    this.#output.off('resize', this.#resized);
    this.#output.off('error', this.#lost);
    if (this.#input === null) return;
    this.#input.off('keypress', this.#pressed);
    this.#input.off('end', this.#lost);
    this.#input.pause();
    if (this.#ownInput !== null) this.#input.destroy();
  }

  /** Draws these lines, from the top. False: the frame before is still being written, draw again later. */
  draw(lines: readonly string[]): boolean {
    if (!this.#inside || this.#gone) return true;
    if (this.#writing !== null) return false;
    const size = `${this.columns}x${this.rows}`;
    let text = '';
    if (size !== this.#size) {
      text = '\x1b[2J';
      this.#lines = [];
      this.#size = size;
    }
    for (const [index, line] of lines.entries()) {
      if (line === (this.#lines[index] ?? '')) continue;
      // Cleared first: behind a line that fills the row there is no place for the code that clears its rest.
      text += `\x1b[${index + 1};1H\x1b[2K${line}\x1b[0m`;
    }
    this.#lines = [...lines];
    if (text === '') return true;
    // Terminals that know it show the frame at once; others ignore it.
    this.#writing = this.#write(`\x1b[?2026h${text}\x1b[?2026l`).finally(() => {
      this.#writing = null;
    });
    return true;
  }

  /** The next frame is drawn whole. */
  forget(): void {
    this.#size = '';
  }

  /** Leaves the screen, stops the process as Ctrl-Z does, and comes back when it goes on. */
  suspend(): void {
    this.#suspend();
  }

  /** By way of Node's threads: the stream of a terminal would wait for it. */
  async #write(text: string): Promise<void> {
    const bytes = Buffer.from(text);
    for (let from = 0; from < bytes.length && !this.#gone; ) {
      const { written, code } = await writeSome(this.#output.fd, bytes, from);
      from += written;
      if (code === 'EAGAIN') await new Promise((resolve) => setTimeout(resolve, retryMs));
      else if (code !== null) this.#lost();
    }
  }

  #takeScreen(): void {
    this.#inside = true;
    this.#size = '';
    this.#input?.setRawMode(true);
    this.#writeNow(enterCodes);
  }

  readonly #restore = (): void => {
    if (!this.#inside) return;
    this.#inside = false;
    try {
      this.#input?.setRawMode(false);
    } catch {
      // The terminal is gone, and its mode with it.
    }
    this.#writeNow(leaveCodes);
  };

  readonly #suspend = (): void => {
    this.#restore();
    process.kill(process.pid, 'SIGSTOP');
  };

  readonly #resume = (): void => {
    if (this.#inside) this.#restore();
    this.#takeScreen();
    this.#events.redraw();
  };

  readonly #resized = (): void => {
    this.#size = '';
    this.#events.redraw();
  };

  readonly #lost = (): void => {
    if (this.#gone) return;
    this.#gone = true;
    this.#events.end();
  };

  readonly #pressed = (text: string | undefined, key: { name?: string; ctrl?: boolean; sequence?: string }): void => {
    const name = key.name ?? text ?? '';
    const typed = text !== undefined && text.length === 1 && text >= ' ' && text !== '\x7f' ? text : '';
    this.#events.key({ name, text: typed, ctrl: key.ctrl === true });
  };

  #writeNow(codes: string): void {
    try {
      writeSync(this.#output.fd, codes);
    } catch {
      // A terminal that is gone needs no restoring.
    }
  }
}

/** How long a frame may take to be written before the screen is left all the same, and before a full terminal is tried again. */
const patienceMs = 300;
const retryMs = 20;

function writeSome(fd: number, bytes: Buffer, from: number): Promise<{ readonly written: number; readonly code: string | null }> {
  return new Promise((resolve) => {
    write(fd, bytes, from, bytes.length - from, null, (error, written) => {
      resolve({ written: written ?? 0, code: error === null ? null : (error.code ?? 'failed') });
    });
  });
}

/** Standard input is something else: the terminal of the process, if it has one. */
function openKeyboard(): number | null {
  try {
    return openSync('/dev/tty', 'r');
  } catch {
    return null;
  }
}
