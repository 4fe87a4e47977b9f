/** How values of options are read. What does not fit is bad usage, said in one sentence. */
import { InvalidArgumentError } from 'commander';
import { rules } from '../story/index.js';
import { escapeName } from '../view/index.js';
import { CommandFailure } from './failure.js';

/** A whole number from `least` to `most`. */
export const parseWhole =
  (what: string, least: number, most: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(
      most === Number.MAX_SAFE_INTEGER ? `A ${what} is a whole number.` : `A ${what} is a whole number from ${least} to ${most}.`,
    );
  };

/** An option that may be given again: all its values. */
export const collect =
  <Value>(parse: (text: string) => Value) =>
  (text: string, before: readonly Value[] = []): Value[] => [...before, parse(text)];

/** The id of a rule that exists. */
export const parseRule = (id: string): string => {
  if (rules.some((rule) => rule.id === id)) return id;
  throw new CommandFailure('bad-usage', `there is no rule ${escapeName(id)}; holdfast rules lists them`);
};

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 };

/** `500ms`, `5s`, `2m`, `1h`, seconds without a unit, or `none`: milliseconds. */
export const parseDuration = (text: string): number => {
  if (text === 'none') return Number.POSITIVE_INFINITY;
  const match = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|min|h)?$/.exec(text);
  if (match === null) throw new InvalidArgumentError('A duration is like 500ms, 5s, 2m or 1h; a number alone is seconds.');
  return Number(match[1]) * durationUnits[match[2] ?? 's']!;
};

const sizeUnits: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** `4096`, `64k`, `16M`, `1G`, or `none`: bytes. */
export const parseSize = (text: string): number => {
  if (text === 'none') return Number.POSITIVE_INFINITY;
  const match = /^(\d{1,12})([kmg])?b?$/i.exec(text);
  if (match === null) throw new InvalidArgumentError('A size is like 4096, 64k, 16M or 1G.');
  return Number(match[1]) * (match[2] === undefined ? 1 : sizeUnits[match[2].toLowerCase()]!);
};
