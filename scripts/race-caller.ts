/**
 * One client of the race, in a process of its own:
 *
 *     node race-caller.js holdfast|node|undici '{"port":…}'
 *
 * Each client is used as its documentation says, with a keep-alive pool and no limits that would make it wait; POSTs are handed to
 * it once, and a POST that fails is a lost one. Prints a CallerReport.
 */

import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'holdfast';
import { Agent as UndiciAgent } from 'undici';
import { type CallerReport, requestIdField, type Workload } from './race-workload.js';

interface Caller {
  post(id: string): Promise<void>;
  close(): void;
  note(): string;
}

const [name, json] = process.argv.slice(2);
const workload: Workload = JSON.parse(json!);
const { port, workers, rounds, gapMs, pools } = workload;
const body = 'amount=1';

const makers: Readonly<Record<string, () => Caller>> = {
  node() {
    const agent = new HttpAgent({ keepAlive: true, maxFreeSockets: 1024 });
    return {
      post: (id) =>
        new Promise((resolve, reject) => {
          const headers = { [requestIdField]: id, 'Content-Length': body.length };
          const request = httpRequest({ host: '127.0.0.1', port, method: 'POST', path: '/', agent, headers }, (response) => {
            response.on('data', () => {});
            response.on('end', resolve);
            response.on('error', reject);
          });
          request.on('error', reject);
          request.end(body);
        }),
      close: () => agent.destroy(),
      note: () => '',
    };
  },
  undici() {
    const agent = new UndiciAgent();
    return {
      async post(id) {
        const origin = `http://127.0.0.1:${port}`;
        const response = await agent.request({ origin, path: '/', method: 'POST', headers: { [requestIdField]: id }, body });
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
      async post(id) {
        const response = await client.request({ url, method: 'POST', fields: { [requestIdField]: id }, body });
        await response.body.bytes();
      },
      close: () => client.destroy(),
      note() {
        const [origin] = client.statistics();
        return `reused ${origin!.reuses}, sent again by proof ${origin!.retriesByProof}, found closed ${origin!.staleAvoided}`;
      },
    };
  },
};

const failedIds: string[] = [];
const errors: Record<string, number> = {};
const latenciesMs: number[] = [];

async function postOnce(caller: Caller, id: string): Promise<void> {
  const startedAtMs = performance.now();
  try {
    await caller.post(id);
    latenciesMs.push(performance.now() - startedAtMs);
  } catch (error) {
    failedIds.push(id);
    const code = String((error as { code?: unknown }).code ?? error);
    errors[code] = (errors[code] ?? 0) + 1;
  }
}

const gap = (): number => gapMs[0] + Math.random() * (gapMs[1] - gapMs[0]);

const make = makers[name!]!;
const shared = pools === 'shared' ? make() : null;
const callers = Array.from({ length: workers }, () => shared ?? make());

await Promise.all(
  callers.map(async (caller, worker) => {
    await sleep(Math.random() * gapMs[1]);
    for (let round = 0; round < rounds; round++) {
      if (round > 0) await sleep(gap());
      await postOnce(caller, `${worker}-${round}`);
    }
  }),
);

const note = shared?.note() ?? '';
for (const caller of new Set(callers)) caller.close();
const report: CallerReport = { sent: workers * rounds, failed: failedIds.length, errors, latenciesMs, failedIds, note };
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
