/**
 * One synthetic TCP connection that carries HTTP/1.1, as a capture next to the client sees it. A conversation is a generator:
 * it writes one or more segments, then yields how many microseconds pass until it goes on. The traffic maker interleaves
 * thousands of them.
 *
 * Sequence and acknowledgement numbers, timestamps, delayed acknowledgements, the lengths of the messages and the ways of
 * ending are those of real stacks; the text is made up.
 */

import { type CaptureWriter, flag } from './capture-writer.js';
import { chunkedBody, plainBody, requestHead, responseHead, segmentsOf } from './messages.js';
import type { Random } from './random.js';

export type Ending = 'client-fin' | 'server-fin' | 'server-reset' | 'stale-reuse';

export interface Plan {
  readonly exchanges: number;
  readonly ending: Ending;
  readonly roundTripUs: number;
  /** Bounds of the response bodies, in bytes, both included. */
  readonly bodyBytes: readonly [low: number, high: number];
  /** Time between two segments of one response. */
  readonly segmentGapUs: number;
  /** Chances, per segment of a response, of being sent twice or of overtaking its predecessor. */
  readonly repeatChance: number;
  readonly swapChance: number;
}

/** What was written, counted while writing: the truth that a reader's totals are held against. */
export interface Tally {
  connections: number;
  requests: number;
  responses: number;
  fins: number;
  resets: number;
  keepAliveProbes: number;
}

type Side = 'client' | 'server';

interface End {
  readonly address: number;
  readonly port: number;
  /** Next sequence number. */
  next: number;
  lastTimestamp: number;
  identification: number;
  readonly timeToLive: number;
}

export interface Addresses {
  readonly clientAddress: number;
  readonly clientPort: number;
  readonly serverAddress: number;
  readonly serverPort: number;
}

/** What differs from the next segment in order. */
interface Special {
  readonly payload?: Uint8Array;
  readonly sequence?: number;
  readonly acknowledgment?: number;
}

const noBytes = new Uint8Array(0);
const keepAliveIntervalUs = 15e6;
const linuxWindow = 502;

export class Conversation {
  /** Set by the traffic maker before each step. */
  atUs = 0;
  private readonly client: End;
  private readonly server: End;

  constructor(
    private readonly writer: CaptureWriter,
    private readonly random: Random,
    private readonly plan: Plan,
    private readonly tally: Tally,
    addresses: Addresses,
  ) {
    const end = (address: number, port: number, timeToLive: number): End => ({
      address,
      port,
      next: random.between(0, 0xffffffff),
      lastTimestamp: 0,
      identification: random.between(0, 0xffff),
      timeToLive,
    });
    this.client = end(addresses.clientAddress, addresses.clientPort, 64);
    this.server = end(addresses.serverAddress, addresses.serverPort, 58);
  }

  /** The whole life. Yields the microseconds until the next step. */
  *life(): Generator<number, void> {
    const { plan, random } = this;
    yield* this.handshake();
    for (let number = 1; number <= plan.exchanges; number += 1) {
      const last = number === plan.exchanges;
      yield random.between(20, 200);
      yield* this.request(last && plan.exchanges === 1 && plan.ending === 'server-fin');
      if (last && plan.ending === 'server-reset') {
        yield plan.roundTripUs + random.between(1000, 200_000);
        this.reset('server');
        return;
      }
      yield* this.response(last && plan.exchanges === 1 && plan.ending === 'server-fin');
      if (!last) yield* this.idle(this.idleUs());
    }
    if (plan.exchanges > 1) yield* this.idle(plan.ending === 'client-fin' ? this.idleUs() : 5e6);
    yield* this.end();
  }

  private *handshake(): Generator<number, void> {
    this.tally.connections += 1;
    this.send('client', flag.syn);
    yield this.plan.roundTripUs;
    this.send('server', flag.syn | flag.ack);
    yield this.random.between(10, 60);
    this.send('client', flag.ack);
  }

  private *request(closing: boolean): Generator<number, void> {
    const { random } = this;
    const bodyBytes = random.chance(0.1) ? random.between(50, 4000) : 0;
    this.tally.requests += 1;
    for (const segment of segmentsOf([requestHead(random, bodyBytes, closing), ...plainBody(bodyBytes)])) {
      this.send('client', flag.psh | flag.ack, { payload: segment });
    }
    yield this.plan.roundTripUs;
    const thinkUs = random.chance(0.02) ? random.between(1e6, 3e6) : random.between(300, 30_000);
    if (thinkUs > 2000) this.send('server', flag.ack);
    yield thinkUs;
  }

  private *response(closing: boolean): Generator<number, void> {
    const { plan, random } = this;
    const bodyBytes = random.between(...plan.bodyBytes);
    const chunked = random.chance(0.2);
    const head = responseHead(random, chunked ? null : bodyBytes, closing);
    this.tally.responses += 1;
    let unacknowledged = 0;
    let held: Uint8Array | null = null;
    for (const segment of segmentsOf([head, ...(chunked ? chunkedBody(bodyBytes) : plainBody(bodyBytes))])) {
      if (held !== null) {
        // The one held back comes after its successor.
        const first = this.server.next;
        this.server.next = (first + held.length) >>> 0;
        this.send('server', flag.ack, { payload: segment });
        this.send('server', flag.ack, { payload: held, sequence: first });
        held = null;
        unacknowledged += 2;
      } else if (random.chance(plan.swapChance)) {
        held = new Uint8Array(segment);
        continue;
      } else {
        this.send('server', flag.psh | flag.ack, { payload: segment });
        if (random.chance(plan.repeatChance)) {
          const copy = new Uint8Array(segment);
          const first = (this.server.next - copy.length) >>> 0;
          yield 200_000;
          this.send('server', flag.psh | flag.ack, { payload: copy, sequence: first });
        }
        unacknowledged += 1;
      }
      if (unacknowledged >= 2) {
        this.send('client', flag.ack);
        unacknowledged = 0;
      }
      yield plan.segmentGapUs;
    }
    if (held !== null) this.send('server', flag.psh | flag.ack, { payload: held });
    if (unacknowledged > 0 || held !== null) this.send('client', flag.ack);
  }

  private idleUs(): number {
    const kind = this.random.fraction();
    if (kind < 0.7) return this.random.between(1000, 50_000);
    if (kind < 0.97) return this.random.between(100_000, 2_000_000);
    return this.random.between(10_000_000, 50_000_000);
  }

  /** Nothing said for a while, but for the client kernel's keep-alive probes. */
  private *idle(forUs: number): Generator<number, void> {
    let left = forUs;
    for (; left > keepAliveIntervalUs; left -= keepAliveIntervalUs) {
      yield keepAliveIntervalUs;
      this.tally.keepAliveProbes += 1;
      this.send('client', flag.ack, { sequence: (this.client.next - 1) >>> 0 });
      yield this.plan.roundTripUs;
      this.send('server', flag.ack);
    }
    yield left;
  }

  private *end(): Generator<number, void> {
    const { plan, random } = this;
    if (plan.ending === 'stale-reuse') {
      // The next request and the server's close cross on the way; the server's kernel answers the request with RST.
      const unreceived = this.client.next;
      this.tally.requests += 1;
      this.send('client', flag.psh | flag.ack, { payload: requestHead(random, 0, false) });
      yield Math.floor(plan.roundTripUs / 2);
      this.tally.fins += 1;
      this.send('server', flag.fin | flag.ack, { acknowledgment: unreceived });
      yield Math.ceil(plan.roundTripUs / 2);
      this.reset('server');
      return;
    }
    const first: Side = plan.ending === 'client-fin' ? 'client' : 'server';
    const second: Side = plan.ending === 'client-fin' ? 'server' : 'client';
    this.fin(first);
    yield first === 'client' ? plan.roundTripUs : random.between(20, 400);
    this.fin(second);
    yield first === 'client' ? 30 : plan.roundTripUs;
    this.send(first, flag.ack);
  }

  private fin(from: Side): void {
    this.tally.fins += 1;
    this.send(from, flag.fin | flag.ack);
  }

  private reset(from: Side): void {
    this.tally.resets += 1;
    this.send(from, flag.rst | flag.ack);
  }

  /** Writes one segment. With a `sequence` of its own it does not advance the stream. */
  private send(from: Side, flags: number, { payload = noBytes, sequence, acknowledgment }: Special = {}): void {
    const sender = from === 'client' ? this.client : this.server;
    const receiver = from === 'client' ? this.server : this.client;
    sender.lastTimestamp = Math.floor(this.atUs / 1000) % 0x1_0000_0000;
    sender.identification = (sender.identification + 1) & 0xffff;
    this.writer.write({
      atUs: this.atUs,
      sourceAddress: sender.address,
      destinationAddress: receiver.address,
      sourcePort: sender.port,
      destinationPort: receiver.port,
      sequence: sequence ?? sender.next,
      acknowledgment: (flags & flag.ack) === 0 ? 0 : (acknowledgment ?? receiver.next),
      flags,
      window: (flags & flag.syn) === 0 ? linuxWindow : 64240,
      timestampValue: sender.lastTimestamp,
      timestampEcho: receiver.lastTimestamp,
      timeToLive: sender.timeToLive,
      identification: sender.identification,
      payload,
    });
    if (sequence === undefined)
      sender.next = (sender.next + payload.length + ((flags & (flag.syn | flag.fin)) === 0 ? 0 : 1)) >>> 0;
  }
}
