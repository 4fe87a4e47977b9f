/**
 * Gathering changes when a connection's observations are told, never what they say or their order: also when the memory that their
 * bytes lie in comes round many times, when they lie elsewhere, and when another thread reads them later.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  BatchReader,
  BatchWriter,
  gatherLimits,
  type Observation,
  type ObservationBatch,
  ObservationGatherer,
  ObservationReader,
  type Observer,
  type Side,
} from 'holdfast/base';

const ringByteCount = 1024 * 1024;
const chunkByteCount = 64 * 1024;

/** Numbers that are the same in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** What is borrowed is copied. */
function kept(observation: Observation): unknown {
  if (observation.kind !== 'bytes') return { ...observation };
  const { data, start, end, cutByteCount, ...rest } = observation;
  return { ...rest, text: Buffer.from(data.subarray(start, end)).toString('latin1'), cutByteCount: cutByteCount ?? 0 };
}

class Notes {
  readonly byConnection = new Map<number, unknown[]>();
  readonly closed: number[] = [];
  /** How often a connection was taken up. */
  turns = 0;
  private last = -1;
  readonly observe: Observer = (observation) => {
    const { connection } = observation;
    if (connection !== this.last) this.turns++;
    this.last = connection;
    if (observation.kind === 'closed') this.closed.push(connection);
    const notes = this.byConnection.get(connection) ?? [];
    notes.push(kept(observation));
    this.byConnection.set(connection, notes);
  };
}

interface Source {
  /** A chunk is filled; null: where the source has memory of its own. */
  readonly room: ((byteCount: number) => Uint8Array) | null;
  readonly filled: (byteCount: number) => void;
  readonly observe: Observer;
}

/** Some hundred connections at once, for `chunks` chunks; told to all of `sources` alike. */
function tell(chunks: number, seed: number, sources: readonly Source[]): void {
  const next = random(seed);
  const open: number[] = [];
  let opened = 0;
  let packet = 0;
  const say = (make: (data: Uint8Array) => Observation, datas: readonly Uint8Array[]): void => {
    for (const [index, { observe }] of sources.entries()) observe(make(datas[index]!));
  };
  for (let chunk = 0; chunk < chunks; chunk++) {
    const byteCount = 1000 + next(chunkByteCount - 1000);
    const content = Uint8Array.from({ length: byteCount }, () => next(256));
    const datas = sources.map(({ room, filled }) => {
      const data = room?.(chunkByteCount) ?? new Uint8Array(chunkByteCount);
      data.set(content);
      filled(byteCount);
      return data;
    });
    for (let at = 0; at < byteCount; ) {
      packet++;
      const common = { atNs: packet * 1000.5, packet, from: (next(2) === 0 ? 'client' : 'server') as Side };
      if (open.length < 100 || next(40) === 0) {
        const connection = opened++;
        open.push(connection);
        const client = { address: `10.0.${connection >> 8}.${connection & 255}`, port: 40_000 };
        const server = { address: connection % 9 === 0 ? 'some-host.example' : '10.9.0.1', port: 80 };
        const { from: _, ...noSide } = common;
        say(() => ({ kind: 'opened', connection, ...noSide, client, server, evidence: 'syn' }), datas);
        continue;
      }
      const place = next(open.length);
      const observed = { ...common, connection: open[place]! };
      switch (next(14)) {
        case 0:
          say(() => ({ ...observed, kind: 'ack', pure: true, coversAll: next(1) === 0, roundTripNs: null }), datas);
          break;
        case 1:
          say(() => ({ ...observed, kind: 'call', call: 'duplicate-ack', byteCount: 3 }), datas);
          break;
        case 2:
          say(() => ({ ...observed, kind: 'fin', repeated: false, unacknowledgedByteCount: 2 ** 31 }), datas);
          break;
        case 3:
          say(() => ({ ...observed, kind: 'gap', byteCount: 5, why: 'buffer-limit' }), datas);
          break;
        case 4:
          say(() => ({ ...observed, kind: 'syn', acknowledges: true, repeated: false, maximumSegmentSize: 1460 }), datas);
          break;
        case 5: {
          const acknowledges = next(2) === 0;
          const numbers = { acknowledges, timeToLive: 64, usualTimeToLive: null, identification: 0, lastIdentification: 65_535 };
          say(
            () => ({
              ...observed,
              ...numbers,
              kind: 'reset',
              repeated: true,
              unacknowledgedByteCount: 0,
            }),
            datas,
          );
          break;
        }
        case 6: {
          // Bytes that lie in no chunk, some of them too many for the ring.
          const data = Uint8Array.from({ length: next(20) === 0 ? 200_000 : 1 + next(300) }, (_, index) => index & 255);
          say(() => ({ ...observed, kind: 'bytes', data, start: 1, end: data.length }), datas);
          break;
        }
        case 7:
          if (next(3) > 0) break;
          open.splice(place, 1);
          say(() => ({ kind: 'closed', connection: observed.connection, atNs: 7, packet, why: 'port-reused' }), datas);
          break;
        default: {
          const end = Math.min(byteCount, at + 1 + next(1460));
          const start = at;
          const cut = next(9) === 0 ? { cutByteCount: 11 } : {};
          say((data) => ({ ...observed, ...cut, kind: 'bytes', data, start, end }), datas);
          at = end;
        }
      }
    }
  }
}

const plain = (notes: Notes): Source => ({ room: null, filled: () => {}, observe: notes.observe });

test('what a connection says is told in its order, whatever comes in between', () => {
  const [as, gathered] = [new Notes(), new Notes()];
  const memory = new Uint8Array(ringByteCount);
  const reader = new ObservationReader(gathered.observe);
  const gatherer = new ObservationGatherer({ memory: memory.buffer, hand: (log) => reader.read(log.noted(memory)) });
  const source = { room: gatherer.room.bind(gatherer), filled: gatherer.filled.bind(gatherer), observe: gatherer.observe };
  tell(200, 1, [plain(as), source]);
  gatherer.flush();
  assert.deepEqual(gathered.byConnection, as.byConnection);
  assert.deepEqual(gathered.closed, as.closed);
  assert.ok(gathered.turns < as.turns / 4, `${gathered.turns} turns instead of ${as.turns}`);
});

test('batches that are read later say the same', () => {
  const [as, gathered] = [new Notes(), new Notes()];
  const memory = new Uint8Array(new SharedArrayBuffer(ringByteCount));
  const reader = new BatchReader(gathered.observe);
  const writer = new BatchWriter();
  const gatherer = new ObservationGatherer({
    memory: memory.buffer,
    hand: (log) => writer.add(log),
    readLaterByteCount: ringByteCount / 2,
  });
  const waiting: { readonly batch: ObservationBatch; readonly began: number }[] = [];
  const idle: ObservationBatch[] = [];
  let began = 0;
  const readOne = (): void => {
    const { batch } = waiting.shift()!;
    reader.read(batch, memory);
    // What has been read may be overwritten.
    batch.numbers.fill(Number.NaN);
    idle.push(batch);
  };
  const next = random(3);
  const room = (byteCount: number): Uint8Array => {
    if (next(2) === 0) {
      waiting.push({ batch: writer.batch(), began });
      began = gatherer.ring.next;
      writer.begin(idle.shift() ?? null);
    }
    const chunk = gatherer.room(byteCount);
    while (waiting.length > 0 && gatherer.ring.next > waiting[0]!.began + ringByteCount / 2) readOne();
    return chunk;
  };
  tell(150, 2, [plain(as), { room, filled: gatherer.filled.bind(gatherer), observe: gatherer.observe }]);
  gatherer.flush();
  waiting.push({ batch: writer.batch(), began });
  while (waiting.length > 0) readOne();
  assert.deepEqual(gathered.byConnection, as.byConnection);
});

test('what waits is bounded: by connection, and in all', () => {
  const memory = new Uint8Array(ringByteCount);
  let most = 0;
  let handed = 0;
  const gatherer = new ObservationGatherer({
    memory: memory.buffer,
    hand: (log) => {
      most = Math.max(most, log.count);
      handed++;
    },
  });
  gatherer.room(1);
  gatherer.filled(1);
  const ack = (connection: number): Observation => ({
    kind: 'ack',
    connection,
    atNs: 1,
    packet: 1,
    from: 'client',
    pure: true,
    coversAll: true,
    roundTripNs: 1,
  });
  for (let count = 0; count < 5000; count++) gatherer.observe(ack(0));
  assert.ok(most > 1000 && most <= gatherLimits.numbersOfConnection);
  const before = handed;
  // Each takes room for 64 numbers; the one above may still have the most.
  const connections = Math.floor(gatherLimits.memoryOfAll / (64 * 8)) - gatherLimits.numbersOfConnection / 64;
  for (let connection = 1; connection < connections; connection++) gatherer.observe(ack(connection));
  assert.equal(handed, before);
  for (let connection = connections; connection < connections + 200; connection++) gatherer.observe(ack(connection));
  assert.ok(handed > before + connections / 2, 'nothing was handed on when too much waited');
});
