/**
 * Asks the Linux kernel for its TCP sockets (sock_diag(7)) through koffi: the one source that also has round-trip times, ages and
 * what waits to be sent. Needs no rights.
 */
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { AF_INET, AF_INET6, diagRequest, readDiagAnswer } from './socket-diag-messages.js';
import { type FoundSocket, socketLimit } from './socket-found.js';

/** Larger than what the kernel sends at once (32 KiB). */
const bufferByteCount = 256 * 1024;
/** Times a dump is taken again because the table changed meanwhile; what the last one says is used. */
const dumpAttempts = 3;

export interface SockDiagResult {
  readonly sockets: readonly FoundSocket[];
  readonly missing: readonly string[];
}

interface Koffi {
  load(library: string): { func(declaration: string): (...values: unknown[]) => number };
  errno(): number;
}

/** All TCP sockets of this network namespace, or in a clause why they cannot be had this way. */
export function readSockDiag(): SockDiagResult | string {
  if (process.platform !== 'linux' || endianness() !== 'LE') return 'only Linux has sock_diag';
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)('koffi');
  } catch {
    return 'the package koffi is not installed, so there are no round-trip times and no idle times';
  }
  const kernel = kernelThrough(koffi);
  const fd = kernel.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (fd < 0) return `the kernel allows no sock_diag here (errno ${koffi.errno()})`;
  try {
    // A kernel that does not answer shall not hang the command.
    const fiveSeconds = Buffer.alloc(16);
    fiveSeconds.writeBigInt64LE(5n, 0);
    kernel.setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, fiveSeconds, fiveSeconds.length);
    return dumpBoth(fd, kernel, koffi);
  } finally {
    kernel.close(fd);
  }
}

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_SOCK_DIAG = 4;
const SOL_SOCKET = 1;
const SO_RCVTIMEO = 20;

type SystemCall = (...values: unknown[]) => number;

interface Kernel {
  readonly socket: SystemCall;
  readonly setsockopt: SystemCall;
  readonly send: SystemCall;
  readonly recv: SystemCall;
  readonly close: SystemCall;
}

function kernelThrough(koffi: Koffi): Kernel {
  const libc = koffi.load('libc.so.6');
  return {
    socket: libc.func('int socket(int domain, int type, int protocol)'),
    setsockopt: libc.func('int setsockopt(int fd, int level, int name, void *value, uint32_t length)'),
    send: libc.func('long send(int fd, void *buffer, size_t length, int flags)'),
    recv: libc.func('long recv(int fd, void *buffer, size_t length, int flags)'),
    close: libc.func('int close(int fd)'),
  };
}

function dumpBoth(fd: number, kernel: Kernel, koffi: Koffi): SockDiagResult | string {
  const missing: string[] = [];
  const sockets: FoundSocket[] = [];
  for (const [index, family] of [AF_INET, AF_INET6].entries()) {
    const found = dumpFamily(fd, kernel, koffi, family, index * dumpAttempts + 1);
    if (typeof found === 'string') return found;
    for (const socket of found.sockets) sockets.push(socket);
    if (found.interrupted) missing.push('the table changed while it was read: a socket may be missing or be there twice');
    if (found.cut) missing.push(`only the first ${socketLimit} sockets were read`);
  }
  return { sockets, missing };
}

interface Dump {
  readonly sockets: readonly FoundSocket[];
  readonly interrupted: boolean;
  readonly cut: boolean;
}

function dumpFamily(fd: number, kernel: Kernel, koffi: Koffi, family: number, sequence: number): Dump | string {
  let dump: Dump | string = { sockets: [], interrupted: false, cut: false };
  for (let attempt = 0; attempt < dumpAttempts; attempt++) {
    dump = dumpOnce(fd, kernel, koffi, diagRequest(family, sequence + attempt));
    if (typeof dump === 'string' || !dump.interrupted) break;
  }
  return dump;
}

function dumpOnce(fd: number, kernel: Kernel, koffi: Koffi, request: Buffer): Dump | string {
  if (kernel.send(fd, request, request.length, 0) !== request.length) return `sock_diag failed (errno ${koffi.errno()})`;
  const buffer = Buffer.alloc(bufferByteCount);
  const sockets: FoundSocket[] = [];
  let interrupted = false;
  let cut = false;
  for (;;) {
    const length = kernel.recv(fd, buffer, buffer.length, 0);
    if (length <= 0) return `sock_diag gave no answer (errno ${koffi.errno()})`;
    const answer = readDiagAnswer(buffer.subarray(0, length), (socket) => {
      if (sockets.length < socketLimit) sockets.push(socket);
      else cut = true;
    });
    interrupted ||= answer.interrupted;
    if (answer.error !== 0) return `the kernel refused sock_diag (errno ${answer.error})`;
    if (answer.done) return { sockets, interrupted, cut };
  }
}
