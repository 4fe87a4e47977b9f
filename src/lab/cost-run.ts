/**
 * One way of sending n requests, measured: time, connections, packets, TIME_WAIT, processor. The client is the engine's; what cannot be seen
 * (packets without the right to capture) is null, never guessed.
 */
import { readSocketTable } from '../capture/index.js';
import { Client, type ClientOptions, HoldfastError, type ResponseTaker } from '../engine/index.js';

/** Counts the packets of one way. */
export interface PacketCounter {
  /** Begins to count; resolves when packets are seen. */
  begin(): Promise<void>;
  /** Packets since. */
  end(): Promise<number>;
}

export interface CostRun {
  readonly url: string;
  readonly requests: number;
  readonly keepAlive: boolean;
  readonly connections: number;
  readonly pipeline: number;
  /** Body of each request, or null for GET. */
  readonly body: Uint8Array | null;
  readonly tls: ClientOptions['tls'] | undefined;
}

export interface CostResult {
  readonly totalMs: number;
  /** Of one request, from its start to its last byte. */
  readonly medianMs: number;
  readonly p99Ms: number;
  /** Connections made: one handshake each. */
  readonly connections: number;
  readonly packets: number | null;
  /** Sockets that this way left in TIME_WAIT on this host. */
  readonly timeWait: number | null;
  /** Processor time of this process. */
  readonly cpuMs: number;
  readonly failed: number;
}

/** Time for the last FINs and ACKs to pass, in round trips, and at least in milliseconds. */
const settleRoundTrips = 3;
const settleLeastMs = 60;

/** Waits until the closes of what went before have passed. */
export const settle = (roundTripMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(settleLeastMs, settleRoundTrips * roundTripMs)));

export async function runCost(run: CostRun, roundTripMs: number, counter: PacketCounter | null): Promise<CostResult> {
  const port = portOf(run.url);
  const before = timeWaitOf(port);
  await counter?.begin();
  const client = new Client({
    connections: run.connections,
    pipelining: run.pipeline,
    keepAlive: run.keepAlive,
    ...(run.tls !== undefined && { tls: run.tls }),
  });
  const cpu = process.cpuUsage();
  const beganAtMs = performance.now();
  const { times, failed } = await sendAll(client, run);
  const totalMs = performance.now() - beganAtMs;
  const { user, system } = process.cpuUsage(cpu);
  const connections = client.statistics().reduce((sum, each) => sum + each.connections, 0);
  await client.close();
  await settle(roundTripMs);
  const packets = counter === null ? null : await counter.end();
  const after = timeWaitOf(port);
  return {
    totalMs,
    medianMs: times[times.length >> 1] ?? Number.NaN,
    p99Ms: times[Math.min(times.length - 1, Math.floor(times.length * 0.99))] ?? Number.NaN,
    connections,
    packets,
    timeWait: before === null || after === null ? null : [...after].filter((each) => !before.has(each)).length,
    cpuMs: (user + system) / 1000,
    failed,
  };
}

/** Times in ascending order. */
async function sendAll(client: Client, run: CostRun): Promise<{ times: number[]; failed: number }> {
  const times: number[] = [];
  let failed = 0;
  let sent = 0;
  await new Promise<void>((resolve) => {
    let working = Math.min(run.requests, run.connections * run.pipeline);
    const next = (): void => {
      if (sent >= run.requests) {
        working -= 1;
        if (working === 0) resolve();
        return;
      }
      sent += 1;
      const startedAtMs = performance.now();
      const taker: ResponseTaker = {
        onHead() {},
        onBody: () => true,
        onEnd() {
          times.push(performance.now() - startedAtMs);
          next();
        },
        onError() {
          failed += 1;
          next();
        },
      };
      const { body, url } = run;
      // Sent twice, an upload of the benchmark does no harm; and only what may be sent twice is pipelined.
      client.exchange(body === null ? { url } : { url, method: 'POST', body, idempotent: true }, taker);
    };
    for (let worker = working; worker > 0; worker--) next();
  });
  return { times: times.sort((a, b) => a - b), failed };
}

/** Sockets in TIME_WAIT with this port on either side; null where the table cannot be read. */
function timeWaitOf(port: number): Set<string> | null {
  try {
    const waiting = readSocketTable({ owners: false }).sockets.filter(
      ({ state, local, remote }) => state === 'TIME_WAIT' && (local.port === port || remote.port === port),
    );
    return new Set(waiting.map(({ local, remote }) => `${local.address} ${local.port} ${remote.address} ${remote.port}`));
  } catch {
    return null;
  }
}

const portOf = (url: string): number => {
  const { port, protocol } = new URL(url);
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
};

const samples = 9;

/** The round trip, by the time that opening takes; and what one answer on a kept connection takes beyond it. Rejects with a HoldfastError. */
export async function measureRoundTrip(
  url: string,
  tls: ClientOptions['tls'],
): Promise<{ roundTripMs: number; serverMs: number; openingRoundTrips: number }> {
  const options = tls === undefined ? {} : { tls };
  const median = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1]!;
  const connecting: number[] = [];
  let isTls13 = true;
  for (let sample = 0; sample < samples; sample++) {
    const client = new Client({ ...options, keepAlive: false });
    const response = await client.request({ url });
    await response.body.dump();
    if (response.timings.connectMs === null)
      throw new HoldfastError('internal-error', { detail: 'A new connection has no time.' });
    connecting.push(response.timings.connectMs);
    isTls13 = response.connection.tls?.version !== 'TLSv1.2';
    await client.close();
  }
  const client = new Client(options);
  const answering: number[] = [];
  for (let sample = 0; sample < samples; sample++) {
    const response = await client.request({ url });
    await response.body.dump();
    if (sample > 0) answering.push(response.timings.lastByteMs ?? response.timings.firstByteMs ?? 0);
  }
  await client.close();
  const roundTripMs = median(connecting);
  const openingRoundTrips = url.startsWith('https:') ? (isTls13 ? 2 : 3) : 1;
  return { roundTripMs, serverMs: Math.max(0, median(answering) - roundTripMs), openingRoundTrips };
}
