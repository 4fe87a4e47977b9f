/**
 * The same traffic, badly recorded: what people bring is seldom a whole capture of both sides. Each manner makes another recording out
 * of a sound one. What happened stays what it was; a finding may be missing from a bad recording, but none may be made up.
 *
 * Reads and writes classic little-endian pcap with microseconds, as tcpdump makes it, of device `any` (LINUX_SLL2) or Ethernet.
 */

interface Packet {
  /** Microseconds since 1970. */
  atUs: number;
  /** Length on the wire. */
  length: number;
  data: Buffer;
}

export interface Manner {
  readonly name: string;
  readonly mangle: (packets: Packet[], tell: Tell) => Packet[];
}

/** What a manner may know of a packet; `toServer` is null for what is no TCP. */
interface Tell {
  readonly toServer: (packet: Packet) => boolean | null;
  readonly isOverLink: (packet: Packet) => boolean;
}

/** Numbers from 0 to 1 that are the same in each run (xorshift32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** In pieces of `length` packets on average, as a kernel whose buffer is full loses them. */
const missingPieces = (share: number, length: number, seed: number) => (packets: Packet[]) => {
  const next = numbers(seed);
  let left = 0;
  return packets.filter(() => {
    if (left === 0 && next() < share / length) left = Math.ceil(2 * length * next());
    if (left === 0) return true;
    left--;
    return false;
  });
};

/** Of the small ones: acknowledgments, opens and closes. */
const smallMissing = (share: number, seed: number) => (packets: Packet[]) => {
  const next = numbers(seed);
  return packets.filter(({ length }) => length > 120 || next() >= share);
};

/** Of those with data. */
const largeMissing = (share: number, seed: number) => (packets: Packet[]) => {
  const next = numbers(seed);
  return packets.filter(({ length }) => length <= 120 || next() >= share);
};

const part = (packets: Packet[], from: number, to: number): Packet[] =>
  packets.slice(Math.floor(from * packets.length), Math.floor(to * packets.length));

const missing = (share: number, seed: number) => (packets: Packet[]) => {
  const next = numbers(seed);
  return packets.filter(() => next() >= share);
};

const cut = (bytes: number) => (packets: Packet[]) =>
  packets.map((packet) => ({ ...packet, data: packet.data.subarray(0, bytes) }));

const twice = (laterUs: number) => (packets: Packet[]) =>
  inOrder(packets.flatMap((packet) => [packet, { ...packet, atUs: packet.atUs + laterUs }]));

const jumbled = (byUs: number, seed: number) => (packets: Packet[]) => {
  const next = numbers(seed);
  return inOrder(packets.map((packet) => ({ ...packet, atUs: packet.atUs + Math.floor(next() * byUs) })));
};

const inOrder = (packets: Packet[]): Packet[] => packets.toSorted((a, b) => a.atUs - b.atUs);

/** Half the round trip of the link. */
const oneWayUs = 20_000;

export const manners: readonly Manner[] = [
  { name: '2 % of the packets missing', mangle: missing(0.02, 7) },
  { name: 'another 2 % missing', mangle: missing(0.02, 4711) },
  { name: '20 % missing', mangle: missing(0.2, 99) },
  { name: '35 % missing', mangle: missing(0.35, 101) },
  { name: 'half missing', mangle: missing(0.5, 103) },
  { name: '20 % missing, in pieces of 10', mangle: missingPieces(0.2, 10, 107) },
  { name: '20 % missing, in pieces of 100', mangle: missingPieces(0.2, 100, 109) },
  { name: '40 % of the small packets missing', mangle: smallMissing(0.4, 113) },
  {
    name: '30 % of the server’s packets missing',
    mangle: (packets, { toServer }) => {
      const next = numbers(127);
      return packets.filter((one) => toServer(one) !== false || next() >= 0.3);
    },
  },
  { name: 'only from client to server', mangle: (packets, { toServer }) => packets.filter((one) => toServer(one) !== false) },
  { name: 'only from server to client', mangle: (packets, { toServer }) => packets.filter((one) => toServer(one) !== true) },
  { name: 'begun in mid-stream', mangle: (packets) => part(packets, 0.4, 1) },
  { name: 'begun late in mid-stream', mangle: (packets) => part(packets, 0.75, 1) },
  { name: 'ended in mid-stream', mangle: (packets) => part(packets, 0, 0.35) },
  { name: 'ended late in mid-stream', mangle: (packets) => part(packets, 0, 0.8) },
  { name: 'a piece missing in the middle', mangle: (packets) => [...part(packets, 0, 0.4), ...part(packets, 0.5, 1)] },
  { name: 'cut at 96 bytes', mangle: cut(96) },
  { name: 'cut at 160 bytes', mangle: cut(160) },
  { name: 'every packet twice, 3 µs apart', mangle: twice(3) },
  { name: 'every packet twice, 400 µs apart', mangle: twice(400) },
  {
    name: 'some packets twice',
    mangle: (packets) => [...packets].flatMap((one, index) => (index % 3 === 0 ? [one, one] : [one])),
  },
  {
    name: 'on the server’s side',
    mangle: (packets, { toServer, isOverLink }) =>
      inOrder(
        packets.map((one) =>
          isOverLink(one) ? { ...one, atUs: one.atUs + (toServer(one) === true ? oneWayUs : -oneWayUs) } : one,
        ),
      ),
  },
  { name: 'mixed up within 5 µs', mangle: jumbled(5, 31) },
  { name: 'mixed up within 50 µs', mangle: jumbled(50, 32) },
  {
    name: 'two queues, one direction late by 60 µs',
    mangle: (packets, { toServer }) =>
      inOrder(packets.map((one) => ({ ...one, atUs: one.atUs + (toServer(one) === true ? 60 : 0) }))),
  },
  {
    name: 'two queues, the other direction late by 60 µs',
    mangle: (packets, { toServer }) =>
      inOrder(packets.map((one) => ({ ...one, atUs: one.atUs + (toServer(one) === false ? 60 : 0) }))),
  },
  {
    name: 'clock jumps forward by 30 s',
    mangle: (packets) => packets.map((one, index) => ({ ...one, atUs: one.atUs + (index > packets.length / 2 ? 30e6 : 0) })),
  },
  {
    name: 'clock jumps back by 5 s',
    mangle: (packets) => packets.map((one, index) => ({ ...one, atUs: one.atUs - (index > packets.length / 2 ? 5e6 : 0) })),
  },
  { name: '2 % missing and cut at 96 bytes', mangle: (packets) => cut(96)(missing(0.02, 13)(packets)) },
  { name: '2 % missing and mixed up within 50 µs', mangle: (packets) => jumbled(50, 33)(missing(0.02, 17)(packets)) },
  { name: 'begun in mid-stream and 2 % missing', mangle: (packets) => missing(0.02, 19)(part(packets, 0.3, 1)) },
];

/** Manners by chance; a share of packets is missing, in pieces, of one size, of one side, out of order, within a window, or cut. */
const drawable: readonly ((draw: Draw) => Manner)[] = [
  ({ one, seed }) => {
    const share = one([0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5]);
    return { name: `${percent(share)} missing`, mangle: missing(share, seed) };
  },
  ({ one, seed }) => {
    const [share, length] = [one([0.02, 0.1, 0.2, 0.4]), one([3, 10, 50, 300])];
    return { name: `${percent(share)} missing, in pieces of ${length}`, mangle: missingPieces(share, length, seed) };
  },
  ({ one, seed }) => {
    const share = one([0.1, 0.4, 0.7]);
    return { name: `${percent(share)} of the small packets missing`, mangle: smallMissing(share, seed) };
  },
  ({ one, seed }) => {
    const share = one([0.1, 0.4, 0.7]);
    return { name: `${percent(share)} of the large packets missing`, mangle: largeMissing(share, seed) };
  },
  ({ one, seed }) => {
    const [share, fromServer] = [one([0.05, 0.3, 0.6]), one([true, false])];
    const next = numbers(seed);
    return {
      name: `${percent(share)} of the ${fromServer ? 'server' : 'client'}’s packets missing`,
      mangle: (packets, { toServer }) => packets.filter((packet) => toServer(packet) === fromServer || next() >= share),
    };
  },
  ({ one, seed }) => {
    const [byUs, share] = [one([5, 20, 50, 100]), one([0, 0.02, 0.2])];
    return {
      name: `mixed up within ${byUs} µs, ${percent(share)} missing`,
      mangle: (packets) => jumbled(byUs, seed)(missing(share, seed)(packets)),
    };
  },
  ({ one, seed }) => {
    const [from, length, share] = [one([0, 0.2, 0.4, 0.6]), one([0.1, 0.2, 0.4]), one([0, 0.02, 0.2])];
    return {
      name: `from ${percent(from)} to ${percent(from + length)} of the time, ${percent(share)} missing`,
      mangle: (packets) => missing(share, seed)(part(packets, from, from + length)),
    };
  },
  ({ one, seed }) => {
    const [bytes, share] = [one([68, 96, 128, 160, 256]), one([0, 0.02, 0.2])];
    return {
      name: `cut at ${bytes} bytes, ${percent(share)} missing`,
      mangle: (packets) => cut(bytes)(missing(share, seed)(packets)),
    };
  },
];

interface Draw {
  readonly one: <T>(choices: readonly T[]) => T;
  readonly seed: number;
}

const percent = (share: number): string => `${Math.round(1000 * share) / 10} %`;

/** So many manners by chance, each kind in its turn; the same for the same seed. */
export function drawnManners(count: number, seed: number): Manner[] {
  const next = numbers(seed);
  for (let warm = 0; warm < 20; warm++) next();
  const one = <T>(choices: readonly T[]): T => choices[Math.floor(next() * choices.length)]!;
  return Array.from({ length: count }, (_, index) => {
    const own = 1 + Math.floor(next() * 2 ** 31);
    const { name, mangle } = drawable[index % drawable.length]!({ one, seed: own });
    return { name: `drawn: ${name} (${own})`, mangle };
  });
}

const linkHeaders: Readonly<Record<number, number>> = { 1: 14, 113: 16, 276: 20 };

/** Makes the recording of this manner. The server's ports are those below `serverPortsBelow`. */
export function mangled(capture: Buffer, { mangle }: Manner, serverPortsBelow = 10_000): Buffer {
  if (capture.readUInt32LE(0) !== 0xa1b2c3d4) throw new Error('not a pcap as tcpdump writes it');
  const linkHeader = linkHeaders[capture.readUInt32LE(20)];
  if (linkHeader === undefined) throw new Error('not a link that this reads');
  const tell: Tell = {
    toServer: ({ data }) => {
      const version = data[linkHeader]! >> 4;
      const tcp = linkHeader + (version === 6 ? 40 : 4 * (data[linkHeader]! & 15));
      if (data.length < tcp + 4) return null;
      return data.readUInt16BE(tcp + 2) < serverPortsBelow;
    },
    isOverLink: ({ data }) => data[linkHeader]! >> 4 === 4 && data[linkHeader + 12] === 10,
  };
  const written = mangle(read(capture), tell).map(({ atUs, length, data }) => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(Math.floor(atUs / 1e6), 0);
    head.writeUInt32LE(atUs % 1e6, 4);
    head.writeUInt32LE(data.length, 8);
    head.writeUInt32LE(length, 12);
    return [head, data];
  });
  return Buffer.concat([capture.subarray(0, 24), ...written.flat()]);
}

function read(capture: Buffer): Packet[] {
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= capture.length; ) {
    const bytes = capture.readUInt32LE(at + 8);
    packets.push({
      atUs: capture.readUInt32LE(at) * 1e6 + capture.readUInt32LE(at + 4),
      length: capture.readUInt32LE(at + 12),
      data: capture.subarray(at + 16, at + 16 + bytes),
    });
    at += 16 + bytes;
  }
  return packets;
}
