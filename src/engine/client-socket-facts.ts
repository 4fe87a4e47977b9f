/**
 * What the kernel knows of a socket and Node does not say: whether a FIN or bytes wait to be read, and how far the peer's kernel
 * has acknowledged what was sent (Linux; `recv` with MSG_PEEK and `getsockopt` with TCP_INFO, through koffi).
 *
 * Rules
 * - Loaded once, when the first client connects. Without koffi, off Linux, or without a file descriptor everything answers
 *   `unknown`: the client then does without (and says `proofs: false` in its statistics); nothing fails.
 * - Nothing here reads from or writes to a connection.
 *
 *     struct tcp_info (include/uapi/linux/tcp.h)      offset 0    u8   tcpi_state
 *                                                     offset 52   u32  tcpi_last_data_recv (ms, in steps of the kernel's clock)
 *                                                     offset 56   u32  tcpi_last_ack_recv (the same; every segment has an ACK)
 *                                                     offset 120  u64  tcpi_bytes_acked (4.1; counts the SYN as 1)
 */

import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import { endianness } from 'node:os';

/** `end`: the peer has closed its side. `failed`: the socket has an error waiting. */
type Waiting = 'nothing' | 'bytes' | 'end' | 'failed' | 'unknown';

export interface SocketFacts {
  /** What a read at this moment would find. Reads nothing. */
  waiting(fd: number): Waiting;
  /** State ESTABLISHED: neither side has closed. True when unknown. */
  established(fd: number): boolean;
  /** Bytes that the peer's kernel has acknowledged since the connection began, the SYN counted; −1 when unknown. */
  acknowledgedByteCount(fd: number): number;
  /** Milliseconds since the peer's last data reached this host's kernel, however late they were read; −1 when unknown. */
  receivedAgoMs(fd: number): number;
  /**
   * Milliseconds between the peer's last data and its last segment of any kind, as they reached this host's kernel; −1 when unknown.
   * Behind a FIN on an idle connection: how long the peer waited before it closed, however late anybody looks.
   */
  lastSegmentAfterDataMs(fd: number): number;
  /** Bytes written to the kernel that the peer's kernel has not acknowledged; −1 when unknown. */
  unacknowledgedByteCount(fd: number): number;
}

const noFacts: SocketFacts = {
  waiting: () => 'unknown',
  established: () => true,
  acknowledgedByteCount: () => -1,
  receivedAgoMs: () => -1,
  lastSegmentAfterDataMs: () => -1,
  unacknowledgedByteCount: () => -1,
};

let loaded: SocketFacts | null = null;

/** The kernel's facts, or facts that are all unknown. */
export function socketFacts(): SocketFacts {
  loaded ??= load();
  return loaded;
}

/** Whether the facts are the kernel's. */
export const haveSocketFacts = (): boolean => socketFacts() !== noFacts;

/** The file descriptor beneath a socket (also beneath TLS), or −1. Node keeps it on the handle, which it does not document. */
export function fileDescriptorOf(socket: Socket): number {
  const handle = (socket as { _handle?: { fd?: unknown } | null })._handle;
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}

const IPPROTO_TCP = 6;
const TCP_INFO = 11;
const SIOCOUTQ = 0x5411;
const MSG_PEEK = 0x02;
const MSG_DONTWAIT = 0x40;
const EAGAIN = 11;
const TCP_ESTABLISHED = 1;
const lastDataReceivedOffset = 52;
const lastAckReceivedOffset = 56;
const bytesAckedOffset = 120;
const tcpInfoByteCount = 256;

interface Koffi {
  load(library: string): { func(declaration: string): (...values: unknown[]) => number };
  errno(): number;
}

function load(): SocketFacts {
  if (process.platform !== 'linux' || endianness() !== 'LE') return noFacts;
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    const libc = koffi.load('libc.so.6');
    return linuxFacts(
      koffi,
      libc.func('long recv(int fd, void *buffer, size_t length, int flags)'),
      libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
      libc.func('int ioctl(int fd, unsigned long request, void *value)'),
    );
  } catch {
    return noFacts;
  }
}

type SystemCall = (...values: unknown[]) => number;

function linuxFacts(koffi: Koffi, recv: SystemCall, getsockopt: SystemCall, ioctl: SystemCall): SocketFacts {
  const oneByte = Buffer.alloc(1);
  const info = Buffer.alloc(tcpInfoByteCount);
  const length = new Uint32Array(1);
  const queued = new Int32Array(1);

  /** Bytes of TCP_INFO that the kernel filled in, 0 when it refused. */
  const readInfo = (fd: number): number => {
    length[0] = tcpInfoByteCount;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, length) === 0 ? length[0] : 0;
  };

  return {
    waiting(fd) {
      if (fd < 0) return 'unknown';
      const count = recv(fd, oneByte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (count > 0) return 'bytes';
      if (count === 0) return 'end';
      return koffi.errno() === EAGAIN ? 'nothing' : 'failed';
    },
    established: (fd) => fd < 0 || readInfo(fd) === 0 || info[0] === TCP_ESTABLISHED,
    acknowledgedByteCount: (fd) =>
      fd >= 0 && readInfo(fd) >= bytesAckedOffset + 8 ? Number(info.readBigUInt64LE(bytesAckedOffset)) : -1,
    receivedAgoMs: (fd) => (fd >= 0 && readInfo(fd) > lastDataReceivedOffset ? info.readUInt32LE(lastDataReceivedOffset) : -1),
    lastSegmentAfterDataMs: (fd) =>
      fd >= 0 && readInfo(fd) > lastAckReceivedOffset
        ? info.readUInt32LE(lastDataReceivedOffset) - info.readUInt32LE(lastAckReceivedOffset)
        : -1,
    unacknowledgedByteCount: (fd) => (fd >= 0 && ioctl(fd, SIOCOUTQ, queued) === 0 ? queued[0]! : -1),
  };
}
