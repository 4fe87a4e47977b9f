/** Keys that do something to all open connections of a relay, while a terminal is there. The terminal is as before at any end. */
import type { ReadStream } from 'node:tty';

type Injected = 'cut' | 'reset' | 'stall' | 'half-close' | 'drop-idle';

const actions: Readonly<Record<string, Injected>> = { r: 'reset', c: 'cut', s: 'stall', h: 'half-close', d: 'drop-idle' };

export const tapKeys = 'Keys, for all open connections: r reset, c cut, s stall, h half-close, d drop silently; q ends.';

export interface KeyActions {
  readonly inject: (kind: Injected) => void;
  readonly end: () => void;
}

/** Null: there is no keyboard. */
export function listenToKeys(input: ReadStream, { inject, end }: KeyActions): { stop(): void } | null {
  if (!input.isTTY) return null;
  const take = (keys: Buffer): void => {
    for (const key of keys.toString('latin1')) {
      const action = actions[key];
      if (action !== undefined) inject(action);
      // In raw mode Ctrl-C is a character.
      if (key === 'q' || key === '\x03' || key === '\x04') end();
    }
  };
  const restore = (): void => {
    input.setRawMode(false);
  };
  input.setRawMode(true);
  input.on('data', take).resume();
  process.once('exit', restore);
  return {
    stop() {
      process.off('exit', restore);
      input.off('data', take).pause();
      restore();
    },
  };
}
