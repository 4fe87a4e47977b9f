/**
 * One client of the race, in a process of its own:
 *
 *     node race-caller.js holdfast|node|node-global|undici '{"port":…}'
 *
 * Each client is used as its documentation says, with a keep-alive pool and no limits that would make it wait; requests are handed to
 * it once, and one that fails is a lost one. Prints a CallerReport.
 */

import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'holdfast';
import { Agent as UndiciAgent } from 'undici';
import { type CallerReport, requestIdField, type Workload } from './race-workload.js';

interface Caller {
  send(id: string): Promise<void>;
  close(): void;
  note(): string;
}

const [name, json] = process.argv.slice(2);
const workload: Workload = JSON.parse(json!);
const { port, workers, rounds, gapsMs, pools, method = 'POST' } = workload;
const body = method === 'POST' ? 'amount=1' : null;

function nodeCaller(timeoutMs?: number): Caller {
  const agent = new HttpAgent({ keepAlive: true, maxFreeSockets: 1024, ...(timeoutMs !== undefined && { timeout: timeoutMs }) });
  return {
    send: (id) =>
      new Promise((resolve, reject) => {
        const headers = { [requestIdField]: id, ...(body !== null && { 'Content-Length': body.length }) };
        const request = httpRequest({ host: '127.0.0.1', port, method, path: '/', agent, headers }, (response) => {
          response.on('data', () => {});
          response.on('end', resolve);
          response.on('error', reject);
        });
        request.on('error', reject);
        request.end(body ?? undefined);
      }),
    close: () => agent.destroy(),
    note: () => '',
  };
}

const makers: Readonly<Record<string, () => Caller>> = {
  node: () => nodeCaller(),
  /** The options of node's own http.globalAgent. With a timeout of its own it heeds the server's hint; without one it does not. */
  'node-global': () => nodeCaller(5_000),
  undici() {
    const agent = new UndiciAgent();
    return {
      async send(id) {
        const origin = `http://127.0.0.1:${port}`;
        const response = await agent.request({ origin, path: '/', method, headers: { [requestIdField]: id }, body });
        await response.body.dump();
      },
      close: () => void agent.destroy(),
      note: () => '',
    };
  },
  holdfast() {
    const client = new Client({ connections: 1024 });
    const url = `http://127.0.0.1:${port}/`;
    return {
      async send(id) {
        const response = await client.request({ url, method, fields: { [requestIdField]: id }, body });
        await response.body.bytes();
      },
      close: () => client.destroy(),
      note() {
        const [origin] = client.statistics();
        const { reuses, retries, retriesByProof, staleAvoided } = origin!;
        return `reused ${reuses}, sent again ${retries}, by proof ${retriesByProof}, found closed ${staleAvoided}`;
      },
    };
  },
};

const failedIds: string[] = [];
const errors: Record<string, number> = {};
const latenciesMs: number[] = [];

async function sendOnce(caller: Caller, id: string): Promise<void> {
  const startedAtMs = performance.now();
  try {
    await caller.send(id);
    latenciesMs.push(performance.now() - startedAtMs);
  } catch (error) {
    failedIds.push(id);
    const code = String((error as { code?: unknown }).code ?? error);
    errors[code] = (errors[code] ?? 0) + 1;
  }
}

function gapBefore(round: number): number {
  const [least, most] = gapsMs[(round - 1) % gapsMs.length]!;
  return least + Math.random() * (most - least);
}

const make = makers[name!]!;
const shared = pools === 'shared' ? make() : null;
const callers = Array.from({ length: workers }, () => shared ?? make());

await Promise.all(
  callers.map(async (caller, worker) => {
    await sleep(Math.random() * Math.min(gapsMs[0]![1], 1_000));
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await sleep(gapBefore(round));
      await sendOnce(caller, `${worker}-${round}`);
    }
  }),
);

const note = shared?.note() ?? '';
for (const caller of new Set(callers)) caller.close();
const report: CallerReport = { sent: workers * rounds, failed: failedIds.length, errors, latenciesMs, failedIds, note };
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
