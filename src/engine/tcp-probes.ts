/**
 * TCP keep-alive to the second (RFC 9293 §3.8.4): when the first probe leaves, how far apart the next ones are, and how many stay unanswered before the
 * connection is given up. Node sets the first; the other two are fixed by libuv (1 s, 10 probes) unless they are set here, through koffi, on Linux.
 *
 *     TCP_KEEPIDLE 4    TCP_KEEPINTVL 5    TCP_KEEPCNT 6      (include/uapi/linux/tcp.h; whole seconds)
 */

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

import { fileDescriptorOf } from './client-socket-facts.js';

export interface TcpProbes {
  /** Idle time before the first probe, in whole seconds upwards. */
  readonly idleMs: number;
  readonly intervalMs: number;
  readonly count: number;
}

const IPPROTO_TCP = 6;
const names = { idleMs: 4, intervalMs: 5, count: 6 } as const;

type SystemCall = (...values: unknown[]) => number;

interface Calls {
  readonly setsockopt: SystemCall;
  readonly getsockopt: SystemCall;
}

let calls: Calls | null | undefined;

function load(): Calls | null {
  if (process.platform !== 'linux') return null;
  try {
    const libc = createRequire(import.meta.url)('koffi').load('libc.so.6');
    return {
      setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, unsigned int length)'),
      getsockopt: libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
    };
  } catch {
    return null;
  }
}

/** Whether interval and count can be set here. */
export function canSetProbes(): boolean {
  calls ??= load();
  return calls !== null;
}

/** Sets all three on a connected socket, whose keep-alive is on. False when the system did not take them. */
export function setProbes(socket: Socket, probes: TcpProbes): boolean {
  const fd = fileDescriptorOf(socket);
  if (fd < 0 || !canSetProbes()) return false;
  const value = new Int32Array(1);
  return (Object.keys(names) as (keyof TcpProbes)[]).every((key) => {
    value[0] = key === 'count' ? probes.count : Math.ceil(probes[key] / 1000);
    return calls!.setsockopt(fd, IPPROTO_TCP, names[key], value, 4) === 0;
  });
}

/** What is set on a socket, or null where that cannot be known. */
export function probesOf(socket: Socket): TcpProbes | null {
  const fd = fileDescriptorOf(socket);
  if (fd < 0 || !canSetProbes()) return null;
  const value = new Int32Array(1);
  const length = new Uint32Array([4]);
  const read = (name: number): number => (calls!.getsockopt(fd, IPPROTO_TCP, name, value, length) === 0 ? value[0]! : -1);
  return { idleMs: read(names.idleMs) * 1000, intervalMs: read(names.intervalMs) * 1000, count: read(names.count) };
}
