/**
 * Numbers and names as the texts of findings say them. Pure and free of locale, so that two machines say the same.
 */
import type { Endpoint } from '../base/index.js';
import type { Exchange } from './model.js';

const significant = (value: number): string => {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
};

/** Nanoseconds as a person says them: `12.3 ms`, `5.00 s`, `2 min 5 s`. */
export function durationWords(ns: number): string {
  if (ns < 0) return `-${durationWords(-ns)}`;
  if (ns < 500) return '0 s';
  if (ns < 999_500) return `${Math.round(ns / 1e3)} µs`;
  if (ns < 999.5e6) return `${significant(ns / 1e6)} ms`;
  if (ns < 119.5e9) return `${significant(ns / 1e9)} s`;
  if (ns < 900e9) return `${(ns / 1e9).toFixed(1)} s`;
  const minutes = Math.round(ns / 60e9);
  return minutes < 120 ? `${minutes} min` : `${(ns / 3600e9).toFixed(1)} h`;
}

/** `1,234`. */
export const countWords = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 request`, `2,000 requests`. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${countWords(count)} ${count === 1 ? one : many}`;

/** `10.0.0.1:80`, `[2001:db8::1]:80`. */
export const endpointWords = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** Characters of a request target that a text shows. */
const targetCharacters = 60;

/** `POST /orders`. Raw wire text: whoever draws it escapes it. */
export function requestWords({ method, target }: Pick<Exchange, 'method' | 'target'>): string {
  const shown = target.length > targetCharacters ? `${target.slice(0, targetCharacters)}…` : target;
  return method === '' ? 'a request' : `${method} ${shown}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function listWords(items: readonly string[]): string {
  if (items.length < 2) return items[0] ?? '';
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1]}`;
}

/** A share in per cent, never rounded to 0 or to 100 unless it is. */
export function percentWords(part: number, whole: number): string {
  if (whole <= 0 || part <= 0) return '0 %';
  const percent = (100 * part) / whole;
  if (percent < 1) return `${percent < 0.001 ? '< 0.001' : percent.toPrecision(1)} %`;
  return percent > 99 && part < whole ? '> 99 %' : `${Math.round(percent)} %`;
}
