/**
 * Netlink messages about TCP sockets (sock_diag(7), linux/inet_diag.h), made and read. All numbers are in the host's byte order,
 * which is little-endian here, save ports and addresses.
 *
 *     struct nlmsghdr                 0  u32 length   4  u16 type   6  u16 flags   8  u32 sequence   12  u32 port
 *     struct inet_diag_req_v2  (+16)  0  u8 family   1  u8 protocol   2  u8 extensions   4  u32 states   8  sockid (48 bytes, zero)
 *     struct inet_diag_msg     (+16)  0  u8 family   1  u8 state   2  u8 timer   3  u8 attempts   4  be16 source port   6  be16 destination
 *                                     8  source address (16)   24  destination address (16)   40  u32 interface   44  cookie
 *                                     52  u32 timer ms   56  u32 receive queue   60  u32 send queue   64  u32 uid   68  u32 inode
 *     attributes              (+88)   0  u16 length   2  u16 type, then the value, padded to four bytes; type 2 is struct tcp_info
 *
 * An older kernel's tcp_info is shorter: what is not there counts as not known, which makes the measures null.
 */
import type { SocketMeasures } from '../base/index.js';
import { formatIpv4Bytes, formatIpv6Bytes } from './socket-address.js';
import type { FoundSocket } from './socket-found.js';
import { stateOfNumber, timerOf } from './socket-numbers.js';

const headerLength = 16;
const requestLength = 72;
const diagLength = 72;

const SOCK_DIAG_BY_FAMILY = 20;
const NLM_F_REQUEST = 0x001;
const NLM_F_DUMP = 0x300;
const NLM_F_DUMP_INTR = 0x010;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const INET_DIAG_INFO = 2;
const IPPROTO_TCP = 6;
export const AF_INET = 2;
export const AF_INET6 = 10;

/** All states but CLOSE; the highest bit is NEW_SYN_RECV, which is told as SYN_RECV. */
const askedStates = 0x1ffe & ~(1 << 7);

/** A request for all TCP sockets of a family. */
export function diagRequest(family: number, sequence: number): Buffer {
  const request = Buffer.alloc(requestLength);
  request.writeUInt32LE(requestLength, 0);
  request.writeUInt16LE(SOCK_DIAG_BY_FAMILY, 4);
  request.writeUInt16LE(NLM_F_REQUEST | NLM_F_DUMP, 6);
  request.writeUInt32LE(sequence, 8);
  request.writeUInt8(family, headerLength);
  request.writeUInt8(IPPROTO_TCP, headerLength + 1);
  request.writeUInt8(1 << (INET_DIAG_INFO - 1), headerLength + 2);
  request.writeUInt32LE(askedStates, headerLength + 4);
  return request;
}

/** What a datagram of answers says beside the sockets. */
export interface DiagAnswer {
  /** The last one has been read. */
  readonly done: boolean;
  /** The number of an error (errno), or 0. */
  readonly error: number;
  /** The table changed while the kernel went through it: a socket may be missing or be there twice. */
  readonly interrupted: boolean;
}

/** Reads one datagram. What does not fit its own length is left out. */
export function readDiagAnswer(datagram: Buffer, onSocket: (socket: FoundSocket) => void): DiagAnswer {
  let interrupted = false;
  for (let at = 0; at + headerLength <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    const type = datagram.readUInt16LE(at + 4);
    if (length < headerLength || at + length > datagram.length) break;
    interrupted ||= (datagram.readUInt16LE(at + 6) & NLM_F_DUMP_INTR) !== 0;
    const body = datagram.subarray(at + headerLength, at + length);
    if (type === NLMSG_DONE) return { done: true, error: 0, interrupted };
    if (type === NLMSG_ERROR) return { done: true, error: body.length >= 4 ? -body.readInt32LE(0) : 0, interrupted };
    if (type === SOCK_DIAG_BY_FAMILY && body.length >= diagLength) {
      const socket = readSocket(body);
      if (socket !== null) onSocket(socket);
    }
    at += (length + 3) & ~3;
  }
  return { done: false, error: 0, interrupted };
}

function readSocket(body: Buffer): FoundSocket | null {
  const state = stateOfNumber(body.readUInt8(1));
  if (state === null) return null;
  const addressOf = body.readUInt8(0) === AF_INET6 ? formatIpv6Bytes : formatIpv4Bytes;
  const receiveQueue = body.readUInt32LE(56);
  const sendQueue = body.readUInt32LE(60);
  const isListener = state === 'LISTEN';
  return {
    state,
    local: { address: addressOf(body, 8), port: body.readUInt16BE(4) },
    remote: { address: addressOf(body, 24), port: body.readUInt16BE(6) },
    receiveQueueBytes: isListener ? 0 : receiveQueue,
    sendQueueBytes: isListener ? 0 : sendQueue,
    acceptQueue: isListener ? { used: receiveQueue, limit: sendQueue } : null,
    timer: timerOf(body.readUInt8(2), body.readUInt32LE(52), body.readUInt8(3)),
    uid: body.readUInt32LE(64),
    inode: body.readUInt32LE(68),
    measures: isListener ? null : readMeasures(body),
  };
}

/** `struct tcp_info` (linux/tcp.h) up to tcpi_rwnd_limited. */
const knownInfoLength = 184;

function readMeasures(body: Buffer): SocketMeasures | null {
  for (let at = diagLength; at + 4 <= body.length; ) {
    const length = body.readUInt16LE(at);
    if (length < 4 || at + length > body.length) return null;
    if (body.readUInt16LE(at + 2) === INET_DIAG_INFO) {
      const info = body.subarray(at + 4, at + length);
      return info.length >= knownInfoLength ? measuresOf(info) : null;
    }
    at += (length + 3) & ~3;
  }
  return null;
}

const measuresOf = (info: Buffer): SocketMeasures => ({
  rttMs: info.readUInt32LE(68) / 1000,
  totalRetransmissions: info.readUInt32LE(100),
  sinceSentMs: info.readUInt32LE(44),
  sinceReceivedMs: info.readUInt32LE(52),
  sinceAckMs: info.readUInt32LE(56),
  bytesAcknowledged: Number(info.readBigUInt64LE(120)),
  bytesReceived: Number(info.readBigUInt64LE(128)),
  notSentBytes: info.readUInt32LE(144),
  busyMs: Number(info.readBigUInt64LE(168)) / 1000,
  windowLimitedMs: Number(info.readBigUInt64LE(176)) / 1000,
});
