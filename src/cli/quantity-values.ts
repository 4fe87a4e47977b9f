/** Quantities on the command line, each with its unit: durations, chances, bit rates, sizes; and one for each way of a link. */
import { InvalidArgumentError } from 'commander';

const msOf: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** "40ms", "1.5s", "2m" → milliseconds. Without a unit only 0, since nobody knows what is meant. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(us|ms|s|min|m|h)$/.exec(text) ?? [];
  if (text === '0') return 0;
  if (number === undefined) throw new InvalidArgumentError('A duration is a number with ms, s, m or h: 40ms, 1.5s.');
  return Number(number) * msOf[unit!]!;
}

/** "1%" or "0.01" → 0.01. */
export function parseChance(text: string): number {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text) ?? [];
  const value = Number(number) / (percent === '%' ? 100 : 1);
  if (value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError('A chance is from 0% to 100%, or from 0 to 1.');
}

const thousands: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9 };

/** "10mbit", "2.5gbit", "64kbit" → bits a second. */
export function parseBitRate(text: string): number {
  const [, number, prefix] = /^(\d+(?:\.\d+)?)([kmg]?)bits?(?:\/s|ps)?$/i.exec(text) ?? [];
  const value = Number(number) * thousands[prefix?.toLowerCase() ?? '']!;
  if (value > 0) return value;
  throw new InvalidArgumentError('A rate is a number with bit, kbit, mbit or gbit (a second): 10mbit.');
}

/** "4096", "64k", "1.5MB" → bytes; k is 1024. */
export function parseByteCount(text: string): number {
  const [, number, prefix] = /^(\d+(?:\.\d+)?)([kmg]?)i?b?$/i.exec(text) ?? [];
  const power = ['', 'k', 'm', 'g'].indexOf(prefix?.toLowerCase() ?? '');
  if (number === undefined) throw new InvalidArgumentError('A size is a number of bytes: 4096, 64k, 1M.');
  return Math.round(Number(number) * 1024 ** power);
}

/** A value for both ways of a link, or THERE/BACK: to the server, to the client. */
export interface BothWays<Value> {
  readonly toServer: Value;
  readonly toClient: Value;
}

export const parseBothWays =
  <Value>(parse: (text: string) => Value) =>
  (text: string): BothWays<Value> => {
    const [there = '', back = there, ...more] = text.split('/');
    if (more.length > 0) throw new InvalidArgumentError('One value for both ways, or two: TO-SERVER/TO-CLIENT.');
    return { toServer: parse(there), toClient: parse(back) };
  };
