/**
 * Looking again and again. On a terminal each look replaces the one before, on the terminal's other screen, which is left at any end
 * (q, Ctrl-C, a signal, an error); elsewhere looks follow each other with an empty line between. One look is never begun before
 * the last one is written.
 */
import type { Streams } from './command-context.js';

export interface Looking {
  readonly seconds: number;
  readonly looks: number;
  /** The lines of one look. Throws what ends the watch. */
  readonly look: () => readonly string[];
}

const enterScreen = '\x1b[?1049h\x1b[?25l';
const leaveScreen = '\x1b[?25h\x1b[?1049l';

export async function watchLooks(
  { seconds, looks, look }: Looking,
  { output, screen }: Streams,
  { inPlace }: { readonly inPlace: boolean },
): Promise<void> {
  const end = new AbortController();
  const stopListening = listenForEnd(inPlace, () => end.abort());
  const leave = (): void => {
    screen.write(leaveScreen);
  };
  let lines: readonly string[] = [];
  const draw = (): void => {
    // Each line clears what stood behind it, the last one what stood below.
    const fitting = lines.slice(0, Math.max(1, (screen.rows ?? 24) - 1));
    screen.write(`\x1b[H${fitting.map((line) => `${line}\x1b[K\r\n`).join('')}\x1b[J`);
  };
  if (inPlace) {
    screen.write(enterScreen);
    process.once('exit', leave);
    screen.on('resize', draw);
  }
  try {
    for (let looked = 1; !end.signal.aborted && !output.closed; looked++) {
      lines = look();
      if (inPlace) draw();
      else {
        if (looked > 1 && lines.length > 1) output.line('');
        for (const line of lines) output.line(line);
        await output.flush();
      }
      if (looked >= looks) break;
      await pause(seconds * 1000, end.signal);
    }
  } finally {
    stopListening();
    if (inPlace) {
      screen.off('resize', draw);
      process.off('exit', leave);
      leave();
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

function listenForEnd(withKeys: boolean, end: () => void): () => void {
  for (const signal of signals) process.on(signal, end);
  const { stdin } = process;
  const hasKeys = withKeys && stdin.isTTY === true;
  const takeKeys = (keys: Buffer): void => {
    // In raw mode Ctrl-C is a character.
    if ([...keys.toString('latin1')].some((key) => key === 'q' || key === '\x03' || key === '\x04')) end();
  };
  const restore = (): void => {
    stdin.setRawMode(false);
  };
  if (hasKeys) {
    stdin.setRawMode(true);
    stdin.on('data', takeKeys).resume();
    process.once('exit', restore);
  }
  return () => {
    for (const signal of signals) process.off(signal, end);
    if (!hasKeys) return;
    process.off('exit', restore);
    stdin.off('data', takeKeys).pause();
    restore();
  };
}
