/**
 * The link measured by what passes over it: datagrams to an echo at its other end. First one at a time, for the round trip; then
 * many, at a pace that the link's rate and the machine allow, for what is lost, reordered and duplicated each way.
 *
 * Knows nothing of the link's settings or counts; so it can be held beside both.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export interface PingPongOptions {
  /** Where to send: the server's address of the link. */
  readonly address: string;
  /** Datagrams for the round trip, one after another. Default 100. */
  readonly pings?: number;
  /** Datagrams for the loss. Default 40,000. */
  readonly datagrams?: number;
  /** Datagrams a second for the loss, at the most. Default 10,000. */
  readonly datagramsPerSecond?: number;
  /** How long to wait for what may still be under way, in milliseconds. Default 1000. */
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

/** What one direction did to numbered datagrams. */
export interface PassedOneWay {
  readonly sent: number;
  /** Different ones that arrived. */
  readonly arrived: number;
  readonly duplicates: number;
  /** Arrived at its socket after one that was sent later. */
  readonly late: number;
}

export interface PingPong {
  /** Sorted, shortest first, in milliseconds. */
  readonly roundTripsMs: readonly number[];
  readonly toServer: PassedOneWay;
  readonly toClient: PassedOneWay;
  /** Datagrams that had passed the link and for which the receiving sockets had no room; they count as not arrived. */
  readonly unread: number;
}

/** Where the echo puts its own number, behind the sender's. */
const echoPlace = 4;
/** Bytes of a datagram's content, and of the IP packet that carries it. */
const contentBytes = 16;
export const pingPacketBytes = contentBytes + 8 + 20;

/** Sockets at each end, by turns: the kernel gives one room for a few hundred datagrams, which a busy thread soon misses. */
const socketCount = 16;

export async function measurePingPong(options: PingPongOptions): Promise<PingPong> {
  const { address, datagrams = 40_000, datagramsPerSecond = 10_000, patienceMs = 1000, signal } = options;
  const unreadBefore = unreadDatagrams();
  const servers = await openSockets();
  const clients = await openSockets();
  try {
    const there = new Arrivals(datagrams);
    // Whatever arrives is sent back, duplicates too, with a number of its own: each way is told by itself.
    const back = new Arrivals(2 * datagrams);
    for (const [socket, server] of servers.entries()) {
      server.on('message', (content, { port, address }) => {
        const number = content.readInt32LE(0);
        if (number >= 0) content.writeInt32LE(there.total, echoPlace);
        there.note(number, socket);
        server.send(content, port, address);
      });
    }
    const ports = servers.map((server) => server.address().port);
    const send = (number: number): void => {
      const content = Buffer.alloc(contentBytes);
      content.writeInt32LE(number);
      const turn = Math.abs(number) % socketCount;
      clients[turn]!.send(content, ports[turn]!, address);
    };
    const roundTripsMs = await pingOneByOne(clients, send, options);
    for (const [socket, client] of clients.entries()) {
      client.on('message', (content) => {
        if (content.readInt32LE(0) >= 0) back.note(content.readInt32LE(echoPlace), socket);
      });
    }
    const beganMs = performance.now();
    for (let sent = 0; sent < datagrams && signal?.aborted !== true; ) {
      const due = Math.min(datagrams, Math.ceil(((performance.now() - beganMs) * datagramsPerSecond) / 1000));
      // Few at once, so that no queue on the way is filled by the measurement itself.
      const until = Math.min(due, sent + 64);
      while (sent < until) send(sent++);
      await (sent < due ? new Promise((resolve) => setImmediate(resolve)) : pause(1));
    }
    await back.settled(patienceMs, signal);
    return {
      roundTripsMs: roundTripsMs.sort((a, b) => a - b),
      toServer: there.passed(datagrams),
      toClient: back.passed(there.total),
      unread: unreadDatagrams() - unreadBefore,
    };
  } finally {
    for (const socket of [...clients, ...servers]) socket.close();
  }
}

const openSockets = (): Promise<Socket[]> =>
  Promise.all(
    Array.from({ length: socketCount }, async () => {
      const socket = createSocket('udp4');
      socket.bind(0, '0.0.0.0');
      await once(socket, 'listening');
      return socket;
    }),
  );

/** "RcvbufErrors" of this network namespace. */
function unreadDatagrams(): number {
  const [names, values] = readFileSync('/proc/self/net/snmp', 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('Udp:'))
    .map((line) => line.split(' '));
  return Number(values?.[names?.indexOf('RcvbufErrors') ?? -1] ?? 0);
}

/** Round trips of pings that came back; their numbers are below 0. */
async function pingOneByOne(
  clients: readonly Socket[],
  send: (number: number) => void,
  { pings = 100, patienceMs = 1000, signal }: PingPongOptions,
): Promise<number[]> {
  const took: number[] = [];
  for (let number = -1; number >= -pings && signal?.aborted !== true; number--) {
    const sentMs = performance.now();
    send(number);
    const arrivedMs = await arrivalOf(clients[-number % socketCount]!, number, patienceMs);
    if (arrivedMs !== null) took.push(arrivedMs - sentMs);
  }
  return took;
}

/** When it arrived, or null: not in time. */
function arrivalOf(client: Socket, number: number, patienceMs: number): Promise<number | null> {
  return new Promise((resolve) => {
    const done = (atMs: number | null): void => {
      clearTimeout(timer);
      client.off('message', take);
      resolve(atMs);
    };
    const take = (content: Buffer): void => {
      if (content.readInt32LE(0) === number) done(performance.now());
    };
    const timer = setTimeout(done, patienceMs, null);
    client.on('message', take);
  });
}

/** Which of the numbered datagrams arrived at one end. */
class Arrivals {
  /** All that arrived, duplicates included. */
  total = 0;
  readonly #seen: Uint8Array;
  #arrived = 0;
  #late = 0;
  /** By socket: what waits in one says nothing of the order in another. */
  readonly #newest = new Int32Array(socketCount).fill(-1);

  constructor(datagrams: number) {
    this.#seen = new Uint8Array(datagrams);
  }

  note(number: number, socket: number): void {
    if (number < 0 || number >= this.#seen.length) return;
    this.total++;
    if (this.#seen[number] === 1) return;
    this.#seen[number] = 1;
    this.#arrived++;
    if (number < this.#newest[socket]!) this.#late++;
    else this.#newest[socket] = number;
  }

  /** Resolves when nothing has arrived for so long. */
  async settled(patienceMs: number, signal: AbortSignal | undefined): Promise<void> {
    for (let before = -1; before !== this.total && signal?.aborted !== true; ) {
      before = this.total;
      await pause(patienceMs);
    }
  }

  passed(sent: number): PassedOneWay {
    return { sent, arrived: this.#arrived, duplicates: this.total - this.#arrived, late: this.#late };
  }
}
