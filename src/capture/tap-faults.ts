/**
 * What a relay may do wrong on purpose, and to which of its connections. Chance is seeded: the same seed chooses the same
 * connections, in the order in which they come.
 */
import { CaptureError } from './capture-error.js';
import { seededRandom } from './seeded-random.js';

/** Which connections, counted from 1 as they come; all when neither is given. */
export interface TapChoice {
  /** Only these. */
  readonly numbers?: readonly number[];
  /** Each with this chance, from 0 to 1. */
  readonly chance?: number;
}

/** When: after so much time since the connection was accepted, or so many bytes of one direction have been relayed, whichever is given. */
export interface TapMoment {
  readonly afterMs?: number;
  /** Exactly so many bytes pass before it happens. 0: before the first. */
  readonly afterBytes?: number;
  /** Whose bytes are counted. Default: the server's, so that responses are cut. */
  readonly bytesFrom?: 'client' | 'server';
}

export type TapFault = TapChoice &
  (
    | {
        /** Everything is relayed so much later, each way, FINs too. */
        readonly kind: 'delay';
        readonly delayMs: number;
      }
    | {
        /** So many bits a second, each way. */
        readonly kind: 'rate';
        readonly bitsPerSecond: number;
      }
    /**
     * `cut`: both sides get a FIN, what comes later is thrown away. `reset`: both get a RST. `stall`: nothing is read or relayed any more, the
     * connections stay open and fill up. `half-close`: the client gets a FIN as if from the server, and may still send.
     */
    | (TapMoment & { readonly kind: 'cut' | 'reset' | 'stall' | 'half-close' })
    | {
        /** As a middlebox that forgets: after so long without a byte nothing is relayed any more, and nobody is told. */
        readonly kind: 'drop-idle';
        readonly idleMs: number;
      }
  );

export type TapFaultKind = TapFault['kind'];

/** Faults of one relay. */
const tapFaultLimit = 64;

/** Whether each fault applies to the connection with this number, from 1. To be called for one connection after another. */
export function tapFaultChooser(faults: readonly TapFault[], seed: number): (number: number) => TapFault[] {
  if (faults.length > tapFaultLimit) throw new CaptureError('bad-request', `a relay takes ${tapFaultLimit} faults at the most`);
  for (const fault of faults) check(fault);
  const chances = faults.map((fault, place) => seededRandom(seed, `${fault.kind}-${place}`));
  return (number) =>
    faults.filter(({ numbers, chance = 1 }, place) => {
      // Drawn for every connection, so that one fault's choice does not shift with another's.
      const drawn = chances[place]!() < chance;
      return drawn && (numbers === undefined || numbers.includes(number));
    });
}

/** Longest duration that a timer takes. */
const longestMs = 2 ** 31 - 1;

function check(fault: TapFault): void {
  const refuse = (what: string): never => {
    throw new CaptureError('bad-request', `the fault ${fault.kind} needs ${what}`);
  };
  const { chance = 1, numbers = [] } = fault;
  if (!(chance >= 0 && chance <= 1)) refuse('a chance from 0 to 1');
  if (numbers.some((number) => !Number.isSafeInteger(number) || number < 1)) refuse('numbers of connections from 1');
  const isDuration = (ms: number): boolean => ms >= 0 && ms <= longestMs;
  switch (fault.kind) {
    case 'delay':
      if (!isDuration(fault.delayMs)) refuse('a duration of up to 24 days');
      break;
    case 'rate':
      if (!(fault.bitsPerSecond > 0)) refuse('a rate above 0');
      break;
    case 'drop-idle':
      if (!(fault.idleMs > 0 && fault.idleMs <= longestMs)) refuse('a duration above 0');
      break;
    default: {
      const { afterMs, afterBytes } = fault;
      if ((afterMs === undefined) === (afterBytes === undefined)) refuse('either a time or a number of bytes');
      if (afterMs !== undefined && !isDuration(afterMs)) refuse('a duration of up to 24 days');
      if (afterBytes !== undefined && !(Number.isSafeInteger(afterBytes) && afterBytes >= 0)) refuse('a whole number of bytes');
    }
  }
}
