/**
 * Numbers as people read them: durations, sizes, counts. Pure and free of locale, so that two machines print the same.
 */
import type { Endpoint } from '../base/index.js';

/** What a terminal without UTF-8 cannot show has a spelling in ASCII. */
export interface Script {
  readonly unicode: boolean;
}

const significant = (value: number): string => {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
};

/** Nanoseconds in three significant digits and the unit that fits: `601 µs`, `12.3 ms`, `5.00 s`, `2 min 5 s`, `3 h 20 min`. */
export function formatDuration(ns: number, { unicode }: Script = { unicode: true }): string {
  if (ns < 0) return `-${formatDuration(-ns, { unicode })}`;
  if (ns < 1) return '0 s';
  if (ns < 1e3) return `${Math.round(ns)} ns`;
  if (ns < 999_500) return `${Math.round(ns / 1e3)} ${unicode ? 'µs' : 'us'}`;
  if (ns < 999.5e6) return `${significant(ns / 1e6)} ms`;
  if (ns < 119.5e9) return `${significant(ns / 1e9)} s`;
  const seconds = Math.round(ns / 1e9);
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} days ${hours % 24} h`;
}

/** As `formatDuration`, in at most five characters, for narrow places: `601µs`, `12ms`, `5.0s`, `125s`, `40m`, `3.3h`. */
export function formatShortDuration(ns: number, { unicode }: Script = { unicode: true }): string {
  const short = (value: number): string => (value < 9.95 ? value.toFixed(1) : value.toFixed(0));
  if (ns < 999.5) return `${Math.round(ns)}ns`;
  if (ns < 999_500) return `${(ns / 1e3).toFixed(0)}${unicode ? 'µs' : 'us'}`;
  if (ns < 999.5e6) return `${short(ns / 1e6)}ms`;
  if (ns < 999.5e9) return `${short(ns / 1e9)}s`;
  if (ns < 7200e9) return `${(ns / 60e9).toFixed(0)}m`;
  return ns < 48 * 3600e9 ? `${short(ns / 3600e9)}h` : `${(ns / 86400e9).toFixed(0)}d`;
}

/** `312 B`, `1.23 kB`, `45.6 MB`: decimal units. */
export function formatBytes(byteCount: number): string {
  if (byteCount < 1000) return `${byteCount} B`;
  const units = ['kB', 'MB', 'GB', 'TB', 'PB'];
  let value = byteCount / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${significant(value)} ${units[unit]}`;
}

/** `1,234,567`. */
export const formatCount = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

/** `1 request`, `2,000 requests`. */
export const formatCounted = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** `10.0.0.1:80`, `[2001:db8::1]:80` (RFC 3986 brackets). */
export const formatEndpoint = ({ address, port }: Endpoint): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;

/** Seconds since the first packet, with the capture's own decimals (three at least): `12.345678`. */
export const formatRelative = (ns: number, decimals: number): string => (ns / 1e9).toFixed(Math.min(9, Math.max(3, decimals)));
