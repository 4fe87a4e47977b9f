/**
 * What keep-alive is worth here: the same requests with and without it, one after another, pipelined and side by side, and uploads; beside
 * what the round trip alone says they should take (cost-model.ts).
 *
 * Three places: our own server over the loopback, our own server over a link with a round trip (in a network namespace of its own), and
 * any URL. Other hosts are only measured when that is allowed expressly, and then with few requests.
 */
import { lookup } from 'node:dns/promises';
import { networkInterfaces } from 'node:os';
import { type Link, type LinkStatistics, openLink, openPacketSource } from '../capture/index.js';
import type { ClientOptions } from '../engine/index.js';
import { costMs } from './cost-model.js';
import { type CostResult, measureRoundTrip, type PacketCounter, runCost, settle } from './cost-run.js';
import { openSite } from './site.js';

/** Most that another host is asked to bear. */
const remoteLimits = { requests: 50, connections: 6, uploadByteCount: 64 * 1024 } as const;

export interface CostOptions {
  /** Null: our own server. */
  readonly url: URL | null;
  /** Round trip of a link, for our own server; null: the loopback. */
  readonly roundTripMs: number | null;
  readonly requests: number;
  readonly connections: number;
  readonly pipeline: number;
  /** Bytes of each upload; 0 for none. */
  readonly uploadByteCount: number;
  readonly allowRemote: boolean;
  readonly insecure: boolean;
  /** Told of each way before it is measured. */
  readonly onWay?: (title: string) => void;
}

export interface CostWay {
  readonly id: string;
  readonly title: string;
  readonly keepAlive: boolean;
  readonly requests: number;
  readonly formulaMs: number;
  readonly measured: CostResult;
}

export interface CostReport {
  readonly schema: 'holdfast.cost.v1';
  readonly place: string;
  readonly roundTripMs: number;
  readonly serverMs: number;
  readonly ways: readonly CostWay[];
  /** What could not be known, and why. */
  readonly notes: readonly string[];
}

/** A wish that cannot be granted, in words for its user. */
export class CostRefusal extends Error {}

/** Where the requests go. */
interface Place {
  readonly name: string;
  readonly url: string;
  readonly uploadUrl: string;
  readonly counter: PacketCounter | null;
  readonly segmentByteCount: number;
  close(): Promise<void>;
}

/** Throws `CostRefusal`, a CaptureError (no link), or a HoldfastError (nobody answers). */
export async function measureCost(options: CostOptions): Promise<CostReport> {
  const notes: string[] = [];
  const place = await placeOf(options, notes);
  try {
    return await measureAt(place, options, notes);
  } finally {
    await place.close();
  }
}

async function measureAt(place: Place, options: CostOptions, notes: string[]): Promise<CostReport> {
  const tls: ClientOptions['tls'] = options.insecure ? { rejectUnauthorized: false } : undefined;
  // Once without looking, so that code is compiled when it counts.
  await measureRoundTrip(place.url, tls);
  const { roundTripMs, serverMs, openingRoundTrips } = await measureRoundTrip(place.url, tls);
  await settle(roundTripMs);
  const ways: CostWay[] = [];
  for (const { id, title, keepAlive, connections, pipeline, upload } of waysOf(options)) {
    options.onWay?.(title);
    const run = { url: upload ? place.uploadUrl : place.url, requests: options.requests, keepAlive, connections, pipeline, tls };
    const body = upload ? new Uint8Array(options.uploadByteCount) : null;
    const measured = await runCost({ ...run, body }, roundTripMs, place.counter);
    const { segmentByteCount } = place;
    const bodyByteCount = body?.length ?? 0;
    const formulaMs = costMs({ ...run, roundTripMs, serverMs, openingRoundTrips, bodyByteCount, segmentByteCount });
    ways.push({ id, title, keepAlive, requests: options.requests, formulaMs, measured });
  }
  if (ways.some(({ measured }) => measured.timeWait === null))
    notes.push('TIME_WAIT is not known: the socket table cannot be read.');
  if (options.url !== null) notes.push('TIME_WAIT is counted on this host; where the server closes first, the server has them.');
  return { schema: 'holdfast.cost.v1', place: place.name, roundTripMs, serverMs, ways, notes };
}

function* waysOf({ connections, pipeline, uploadByteCount }: CostOptions) {
  const one = { connections: 1, pipeline: 1, upload: false };
  yield { id: 'new-serial', title: 'a new connection each', keepAlive: false, ...one };
  yield { id: 'kept-serial', title: 'one kept connection', keepAlive: true, ...one };
  yield { id: 'kept-pipelined', title: `kept, ${pipeline} pipelined`, keepAlive: true, ...one, pipeline };
  yield { id: 'new-parallel', title: `${connections} at a time, new each`, keepAlive: false, ...one, connections };
  yield { id: 'kept-parallel', title: `${connections} kept connections`, keepAlive: true, ...one, connections };
  if (uploadByteCount === 0) return;
  yield { id: 'new-upload', title: 'upload, new each', keepAlive: false, ...one, upload: true };
  yield { id: 'kept-upload', title: 'upload, one kept', keepAlive: true, ...one, upload: true };
}

function placeOf(options: CostOptions, notes: string[]): Promise<Place> {
  if (options.url !== null) return urlPlace(options.url, options, notes);
  return options.roundTripMs === null ? loopbackPlace(notes) : linkPlace(options.roundTripMs);
}

/** The loopback carries up to 64 KiB in one segment. */
const loopbackSegmentByteCount = 65_483;
const ethernetSegmentByteCount = 1_448;

async function loopbackPlace(notes: string[]): Promise<Place> {
  const site = await openSite({ port: 0 });
  return {
    name: 'our own server, over the loopback (processor time is of both ends)',
    url: `${site.url}/bytes?count=100`,
    uploadUrl: `${site.url}/upload`,
    counter: await counterOf('lo', `tcp port ${site.port}`, notes),
    segmentByteCount: loopbackSegmentByteCount,
    close: () => site.stop({ idleGraceMs: 0, graceMs: 1_000 }),
  };
}

async function linkPlace(roundTripMs: number): Promise<Place> {
  const link = await openLink({ roundTripMs });
  const site = await openSite({ port: 0, host: '0.0.0.0' });
  const url = `http://${link.serverAddress}:${site.port}`;
  return {
    name: `our own server, over a link with a round trip of ${roundTripMs} ms (processor time is of both ends)`,
    url: `${url}/bytes?count=100`,
    uploadUrl: `${url}/upload`,
    counter: linkCounter(link),
    segmentByteCount: ethernetSegmentByteCount,
    async close() {
      await site.stop({ idleGraceMs: 0, graceMs: 1_000 });
      await link.close();
    },
  };
}

async function urlPlace(url: URL, options: CostOptions, notes: string[]): Promise<Place> {
  const { address } = await lookup(url.hostname.replace(/^\[|\]$/g, '')).catch((cause: Error) => {
    throw new CostRefusal(`the name ${url.hostname} has no address`, { cause });
  });
  const isOwn =
    isLoopback(address) || Object.values(networkInterfaces()).some((each) => each?.some((one) => one.address === address));
  if (!isOwn) refuseRemote(address, options);
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return {
    name: `${url.href} (processor time is of this client alone)`,
    url: url.href,
    uploadUrl: url.href,
    counter: await counterOf(isOwn ? 'lo' : 'any', `tcp port ${port} and host ${address}`, notes),
    segmentByteCount: isOwn ? loopbackSegmentByteCount : ethernetSegmentByteCount,
    close: async () => {},
  };
}

const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

function refuseRemote(address: string, { allowRemote, requests, connections, uploadByteCount }: CostOptions): void {
  if (!allowRemote)
    throw new CostRefusal(`${address} is another host; --allow-remote measures it all the same, if it is yours to load`);
  const limits = remoteLimits;
  if (requests > limits.requests || connections > limits.connections || uploadByteCount > limits.uploadByteCount) {
    throw new CostRefusal(
      `another host is asked for at most ${limits.requests} requests on ${limits.connections} connections, and uploads of ${limits.uploadByteCount} bytes`,
    );
  }
}

/** Null, with a note, where nobody may capture: tried once. */
async function counterOf(name: string, filter: string, notes: string[]): Promise<PacketCounter | null> {
  const options = { interface: name, filter, snapLength: 128 };
  try {
    const tried = await openPacketSource(options);
    await tried.stop();
  } catch (error) {
    notes.push(`Packets are not counted: ${(error as Error).message}.`);
    return null;
  }
  let counting: { end(): Promise<number> } | null = null;
  return {
    async begin() {
      const source = await openPacketSource(options);
      const drained = (async () => {
        for await (const _ of source.chunks);
      })();
      counting = {
        async end() {
          await source.stop();
          await drained;
          return source.statistics().delivered;
        },
      };
    },
    end: () => counting!.end(),
  };
}

/** The link counts by itself. */
function linkCounter(link: Link): PacketCounter {
  const packetsOf = ({ toServer, toClient }: LinkStatistics): number => toServer.packets + toClient.packets;
  let before = 0;
  return {
    async begin() {
      before = packetsOf(link.statistics());
    },
    end: async () => packetsOf(link.statistics()) - before,
  };
}
