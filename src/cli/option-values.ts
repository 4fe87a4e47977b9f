/** How values of options are read. What does not fit is bad usage, said in one sentence. */
import { InvalidArgumentError } from 'commander';
import { rules } from '../story/index.js';
import { escapeName } from '../view/index.js';
import { CommandFailure } from './failure.js';
import { parseDuration } from './quantity-values.js';

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

/** A time limit: a duration with its unit, seconds without one (as curl takes them), or `none`. Milliseconds. */
export const parseTimeout = (text: string): number => {
  if (text === 'none') return Number.POSITIVE_INFINITY;
  return parseDuration(/^\d+(?:\.\d+)?$/.test(text) ? `${text}s` : text);
};
