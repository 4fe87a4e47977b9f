/**
 * Ten thousand connections at once between our client and our server, again and again, ended in every way; writes docs/soak.md:
 *
 *     npm run soak [-- --connections 10000 --cycles 5]
 *
 * The server runs in a process of its own. In each cycle the client has as many requests under way as there are connections; all are answered at
 * once, then all connections are used again, lie idle, and end by the way whose turn it is. After each cycle both processes say, with the garbage
 * collected, what their heaps hold and how many sockets they have. Fails when a socket stays, when a request of a cycle that ends well fails, or
 * when the heap goes on growing.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { mkdirSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Client, serve } from 'holdfast';

const { values, positionals } = parseArgs({
  options: { connections: { type: 'string', default: '10000' }, cycles: { type: 'string', default: '5' } },
  allowPositionals: true,
});
const count = Number(values.connections);
const cycles = Number(values.cycles);

/** Ways for the connections of a cycle to end. */
const ways = ['client closes', 'client aborts', 'server closes', 'client vanishes', 'handler throws'] as const;
type Way = (typeof ways)[number];

interface State {
  readonly sockets: number;
  readonly heapKib: number;
  readonly residentKib: number;
}

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

function socketCount(): number {
  let sockets = 0;
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')) sockets++;
    } catch {
      // It was the one that the list was read through.
    }
  }
  return sockets;
}

async function stateNow(): Promise<State> {
  for (let round = 0; round < 5; round++) {
    collectGarbage();
    await sleep(20);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { sockets: socketCount(), heapKib: (heapUsed + external) / 1024, residentKib: rss / 1024 };
}

/** Answers `/hold` when all have come, `/throw` by throwing when all have come, and anything else at once. On a line `close`, it closes what is idle. */
async function runServer(): Promise<void> {
  const holding: (() => void)[] = [];
  const hold = (): Promise<void> =>
    new Promise((resolve) => {
      holding.push(resolve);
      if (holding.length === count) for (const go of holding.splice(0)) go();
    });
  let server = await serve({ backlog: 4096, idleTimeoutMs: 600_000 }, async (request, response) => {
    if (request.target !== '/') await hold();
    if (request.target === '/throw') throw new Error('as asked');
    response.end('ok');
  });
  const options = server.settings;
  console.log(server.port);
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'state') console.log(JSON.stringify(await stateNow()));
    else {
      const { port, handler } = server;
      await server.stop({ idleGraceMs: 0, graceMs: 5_000 });
      server = await serve({ ...options, port, backlog: 4096 }, handler);
      console.log('closed');
    }
  }
  await server.stop({ idleGraceMs: 0, graceMs: 0 });
}

class Peer {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  constructor() {
    const parameters = [process.argv[1]!, 'server', '--connections', String(count)];
    this.child = spawn(process.execPath, parameters, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    return (await this.lines.next()).value as string;
  }

  ask(question: string): Promise<string> {
    this.child.stdin!.write(`${question}\n`);
    return this.line();
  }

  /** What it says of itself when nothing of the connections is left, or in the end anyway. */
  async settled(sockets: number): Promise<State> {
    for (let attempt = 0; ; attempt++) {
      const state = JSON.parse(await this.ask('state')) as State;
      if (state.sockets <= sockets || attempt === 30) return state;
    }
  }

  async stop(): Promise<void> {
    this.child.stdin!.end();
    await once(this.child, 'exit');
  }
}

/** Sends as many requests as there are connections, and gives how many failed. */
async function sendAll(client: Client, url: string, signal?: AbortSignal): Promise<number> {
  const one = async (): Promise<boolean> => {
    const response = await client.request({ url, ...(signal !== undefined && { signal }) });
    return (await response.body.text()) === 'ok';
  };
  const results = await Promise.allSettled(Array.from({ length: count }, one));
  return results.filter((result) => result.status === 'rejected' || !result.value).length;
}

interface Cycle {
  readonly way: Way;
  readonly open: number;
  readonly residentKib: number;
  readonly failed: number;
  readonly client: State;
  readonly server: State;
}

async function runCycle(way: Way, peer: Peer, url: string, serverSockets: number): Promise<Cycle> {
  const client = new Client({
    connections: count,
    idleConnections: count,
    pending: count,
    idleMs: 600_000,
    timeouts: { connectMs: 120_000, headMs: 120_000, queueMs: 120_000 },
  });
  let failed = await sendAll(client, `${url}hold`);
  const { open } = client.statistics()[0]!;
  failed += await sendAll(client, url);
  const { rss } = process.memoryUsage();
  if (way === 'client aborts') {
    const controller = new AbortController();
    setMaxListeners(count, controller.signal);
    const all = sendAll(client, `${url}hold`, controller.signal);
    setImmediate(() => controller.abort());
    failed += count - (await all);
  } else if (way === 'handler throws') failed += count - (await countErrors(client, `${url}throw`));
  else if (way === 'server closes') await peer.ask('close');
  if (way === 'client vanishes') client.destroy();
  else await client.close();
  const server = await peer.settled(serverSockets);
  return { way, open, residentKib: rss / 1024, failed, client: await stateNow(), server };
}

/** How many requests are answered 500. */
async function countErrors(client: Client, url: string): Promise<number> {
  const statuses = await Promise.all(
    Array.from({ length: count }, async () => {
      const response = await client.request({ url });
      await response.body.dump();
      return response.status;
    }),
  );
  return statuses.filter((status) => status === 500).length;
}

const mib = (kib: number): string => (kib / 1024).toFixed(1);

async function main(): Promise<void> {
  const peer = new Peer();
  const url = `http://127.0.0.1:${await peer.line()}/`;
  const serverSockets = (await peer.settled(Number.POSITIVE_INFINITY)).sockets;
  const clientSockets = (await stateNow()).sockets;
  const done: Cycle[] = [];
  for (let index = 0; index < cycles; index++) {
    const cycle = await runCycle(ways[index % ways.length]!, peer, url, serverSockets);
    done.push(cycle);
    console.error(
      `${cycle.way}: ${cycle.open} open, ${cycle.failed} failed, heaps ${mib(cycle.client.heapKib)} and ${mib(cycle.server.heapKib)} MiB`,
    );
  }
  await peer.stop();
  const rows = done.map(({ way, open, failed, client, server, residentKib }) => {
    const cells = [
      way,
      open,
      failed,
      mib(residentKib),
      client.sockets - clientSockets,
      mib(client.heapKib),
      server.sockets - serverSockets,
    ];
    return `| ${[...cells, mib(server.heapKib), mib(server.residentKib)].join(' | ')} |`;
  });
  const text = [
    '# Ten thousand connections, again and again',
    '',
    `Written by \`npm run soak\`. In each cycle our client has ${count} requests under way with our server at once, uses every connection again, and`,
    'all of them end in the way of the row. "Failed" are requests that did not end as that way has it. Heaps (with what is outside them) and sockets',
    `are those that are left after the cycle, with the garbage collected. Node ${process.version}.`,
    '',
    '| ended by | connections | failed | client MiB resident, all open | client sockets left | client MiB heap | server sockets left | server MiB heap | server MiB resident |',
    '|---|--:|--:|--:|--:|--:|--:|--:|--:|',
    ...rows,
    '',
  ].join('\n');
  console.log(text);
  mkdirSync('docs', { recursive: true });
  writeFileSync('docs/soak.md', text);
  const grown = (pick: (cycle: Cycle) => State): number =>
    pick(done.at(-1)!).heapKib - pick(done[Math.min(1, done.length - 1)]!).heapKib;
  const problems = [
    ...done.filter(({ failed }) => failed > 0).map(({ way, failed }) => `${failed} requests failed (${way})`),
    ...done.filter(({ client }) => client.sockets > clientSockets).map(({ way }) => `sockets of the client stay (${way})`),
    ...done.filter(({ server }) => server.sockets > serverSockets).map(({ way }) => `sockets of the server stay (${way})`),
    ...(grown(({ client }) => client) > count / 4 ? ['the heap of the client grows'] : []),
    ...(grown(({ server }) => server) > count / 4 ? ['the heap of the server grows'] : []),
  ];
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
}

await (positionals[0] === 'server' ? runServer() : main());
