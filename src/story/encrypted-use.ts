/**
 * How a TLS connection is used, told from its records (RFC 8446 §5.1, RFC 5246 §6.2): who sent data when, not what it says. Enough to
 * see turns, idle times, and what was sent into a close.
 *
 * Data is a record of application data that is not too short: alerts, the end of the handshake and the small frames of HTTP/2 are
 * encrypted like it, and sent when nobody asks for anything. Short requests are missed for that, and answers counted that are none; nothing
 * is taken for a request that is not one.
 *
 * A farewell is an alert behind which its sender sends nothing more: who closes says so before its FIN (RFC 8446 §6.1), and the other side
 * may be the first to send one.
 */
import type { Side } from '../base/index.js';
import type { Closing, Connection, EncryptedUse, Moment } from './model.js';

const headerBytes = 5;
const alert = 21;
const applicationData = 23;
/** An alert of TLS 1.3, which looks like application data: two bytes, their type, and 16 of authentication. */
const encryptedAlertBytes = 19;
/** change_cipher_spec to heartbeat (RFC 6520). */
const firstType = 20;
const lastType = 24;
/** 2^14 and what encryption may add (RFC 5246 §6.2.3). */
const longestRecord = 16_384 + 2048;
/** A Finished of TLS 1.3, the first that a client sends encrypted: a digest of 32 or 48 bytes, its header, type and authentication. */
const finishedBytes: readonly number[] = [53, 69];
/** In a record, by who sends it: two frames of HTTP/2 that ask for nothing have 43 bytes. */
const leastDataBytes: Readonly<Record<Side, number>> = { client: 48, server: 40 };

/** Where one direction stands. */
class RecordStream {
  /** Of the record's header, so many bytes are there; behind it, so many of the record are to come. */
  headerCount = 0;
  type = 0;
  length = 0;
  remaining = 0;
  /** The latest record is one of data. */
  isData = false;
  /** It has sent encrypted records. */
  isEncrypted = false;
  /** No record begins where one should: no more is read. */
  isLost = false;

  /** The latest record is an alert. */
  get isAlert(): boolean {
    return this.type === alert || (this.type === applicationData && this.length === encryptedAlertBytes);
  }
}

function isData({ type, length, isEncrypted }: RecordStream, from: Side): boolean {
  if (type !== applicationData || length < leastDataBytes[from]) return false;
  return isEncrypted || from === 'server' || !finishedBytes.includes(length);
}

export class EncryptedTurns implements EncryptedUse {
  turns = 0;
  answeredTurns = 0;
  askedAt: Moment | null = null;
  idleBeforeNs = 0;
  isAnswered = true;
  lastDataNs = Number.NaN;
  serverFarewell: Moment | null = null;
  private lastFrom: Side | null = null;
  private readonly client = new RecordStream();
  private readonly server = new RecordStream();

  /** The next bytes of a direction, data[start, end). */
  bytes(from: Side, data: Uint8Array, start: number, end: number, at: Moment): void {
    const stream = this.stream(from);
    let pos = start;
    while (pos < end && !stream.isLost) {
      if (stream.remaining > 0) {
        const taken = Math.min(stream.remaining, end - pos);
        stream.remaining -= taken;
        pos += taken;
        if (stream.isData) this.lastDataNs = at.atNs;
        continue;
      }
      this.header(stream, data[pos++]!);
      if (stream.headerCount === headerBytes && !stream.isLost) {
        stream.headerCount = 0;
        stream.remaining = stream.length;
        if (from === 'server') this.serverFarewell = stream.isAlert ? (this.serverFarewell ?? at) : null;
        stream.isData = isData(stream, from);
        stream.isEncrypted ||= stream.type === applicationData;
        if (stream.isData) this.data(from, at);
      }
    }
  }

  /** So many bytes of a direction are not there. */
  gap(from: Side, byteCount: number): void {
    const stream = this.stream(from);
    if (stream.headerCount === 0 && byteCount <= stream.remaining) stream.remaining -= byteCount;
    else stream.isLost = true;
  }

  /** Takes a byte of a header: type, version, length. */
  private header(stream: RecordStream, byte: number): void {
    switch (stream.headerCount++) {
      case 0:
        stream.type = byte;
        stream.isLost = byte < firstType || byte > lastType;
        break;
      case 1:
        stream.isLost = byte !== 3;
        break;
      case 3:
        stream.length = byte << 8;
        break;
      case 4:
        stream.length |= byte;
        stream.isLost = stream.length > longestRecord;
        break;
    }
  }

  private data(from: Side, at: Moment): void {
    if (from === 'client' && this.lastFrom !== 'client') {
      this.turns++;
      this.askedAt = at;
      this.idleBeforeNs = this.lastFrom === null ? 0 : Math.max(0, at.atNs - this.lastDataNs);
      this.isAnswered = false;
    } else if (from === 'server' && !this.isAnswered) {
      this.answeredTurns++;
      this.isAnswered = true;
    }
    this.lastFrom = from;
    this.lastDataNs = at.atNs;
  }

  private stream(from: Side): RecordStream {
    return from === 'client' ? this.client : this.server;
  }
}

/** When the server began to close a TLS connection: its farewell or its FIN, unless the client was first. Null: it did not. */
export function closeOfServer({ clientFin, serverFin }: Closing, { serverFarewell }: EncryptedUse): Moment | null {
  const close = serverFarewell ?? serverFin;
  return close !== null && serverFin !== null && (clientFin === null || close.atNs <= clientFin.atNs) ? close : null;
}

/** Shorter pauses make nobody on the way forget a connection. */
export const leastForgettingNs = 1e9;

/** Where a turn of the client's begins that came behind an idle time and was sent again and again in vain; null: there is none. */
export function swallowedTurn({ closing, encrypted }: Connection): Moment | null {
  const { unanswered } = closing;
  if (encrypted === null || unanswered === null || unanswered.from !== 'client') return null;
  const { askedAt, isAnswered, answeredTurns, idleBeforeNs } = encrypted;
  if (askedAt === null || isAnswered || answeredTurns === 0 || idleBeforeNs < leastForgettingNs) return null;
  return unanswered.since.atNs >= askedAt.atNs ? askedAt : null;
}
