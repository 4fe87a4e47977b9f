/** Settings and counters of the kernel that say how many sockets there may be (Linux: Documentation/networking/ip-sysctl.rst). */
import { readFileSync } from 'node:fs';
import type { ListenCounters, PortSettings } from '../base/index.js';

const setting = (name: string): string | null => textOf(`/proc/sys/net/ipv4/${name}`);

/** The text of a file, or null when it may not be read or is not there. */
export function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

export function readPortSettings(): PortSettings | null {
  const range = /^(\d+)\s+(\d+)/.exec(setting('ip_local_port_range') ?? '');
  if (range === null) return null;
  const [first, last] = [Number(range[1]), Number(range[2])];
  const reuse = (setting('tcp_tw_reuse') ?? '').trim();
  return {
    first,
    last,
    reserved: countReserved(setting('ip_local_reserved_ports') ?? '', first, last),
    reuseOfTimeWait: reuse === '1' ? 'always' : reuse === '2' ? 'loopback' : 'never',
  };
}

/** Ports of `8080,9000-9100` that are within the range. */
export function countReserved(text: string, first: number, last: number): number {
  let count = 0;
  for (const part of text.trim().split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) continue;
    const from = Math.max(first, Number(match[1]));
    const to = Math.min(last, Number(match[2] ?? match[1]));
    count += Math.max(0, to - from + 1);
  }
  return count;
}

export function readFinTimeout(): number | null {
  const seconds = Number.parseInt(setting('tcp_fin_timeout') ?? '', 10);
  return Number.isNaN(seconds) ? null : seconds;
}

export const readListenCounters = (): ListenCounters | null => listenCountersOf(textOf('/proc/net/netstat') ?? '');

/** /proc/net/netstat: a line of names, and below it a line of numbers, both beginning `TcpExt:`. */
export function listenCountersOf(text: string): ListenCounters | null {
  const [names, numbers] = text
    .split('\n')
    .filter((each) => each.startsWith('TcpExt:'))
    .map((each) => each.split(' '));
  const count = (name: string): number => Number(numbers?.[names?.indexOf(name) ?? -1] ?? Number.NaN);
  const [overflows, drops] = [count('ListenOverflows'), count('ListenDrops')];
  return Number.isNaN(overflows) || Number.isNaN(drops) ? null : { overflows, drops };
}
