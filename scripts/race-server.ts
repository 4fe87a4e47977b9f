/**
 * A server of the race, in a process of its own:
 *
 *     node race-server.js node|holdfast IDLE_TIMEOUT_MS [HINT_MARGIN_MS]
 *
 * It closes idle connections after the timeout, gives no hint of it (or, ours, one so much below it), and counts what it executed by
 * request id. Prints its port; then,
 * for each line on its standard input, a ServerReport of what has happened since the last.
 */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { serve } from 'holdfast';
import { requestIdField, type ServerReport } from './race-workload.js';

const [kind, timeoutText, marginText] = process.argv.slice(2);
const idleTimeoutMs = Number(timeoutText);
const backlog = 1024;
let executed: Record<string, number> = {};
/** Connections accepted since the start, as the kind of server counts them. */
let countConnections = (): number => 0;
let reportedConnections = 0;

function execute(id: string): void {
  executed[id] = (executed[id] ?? 0) + 1;
}

if (kind === 'node') {
  let accepted = 0;
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      execute(String(request.headers[requestIdField.toLowerCase()]));
      // Said by hand, so that node adds no `Keep-Alive: timeout=`.
      response.writeHead(200, { Connection: 'keep-alive', 'Content-Length': 2 });
      response.end('ok');
    });
  });
  // Recent Nodes add a second to `keepAliveTimeout`. After the listener of node's own that sets it, this one sets what is meant.
  server.on('request', ({ socket }, response) => {
    response.on('finish', () => socket.setTimeout(idleTimeoutMs));
  });
  server.on('connection', () => {
    accepted++;
  });
  countConnections = () => accepted;
  server.listen(0, '127.0.0.1', backlog, () => console.log((server.address() as AddressInfo).port));
} else {
  const hint = marginText === undefined ? ({ keepAliveHint: 'never' } as const) : { idleHintMarginMs: Number(marginText) };
  const server = await serve({ idleTimeoutMs, ...hint, backlog }, async (request, response) => {
    await request.bytes();
    execute(request.header(requestIdField)!);
    response.end('ok');
  });
  countConnections = () => server.counts.connections;
  console.log(server.port);
}

createInterface({ input: process.stdin }).on('line', () => {
  const connections = countConnections();
  const report: ServerReport = { executed, connections: connections - reportedConnections };
  reportedConnections = connections;
  executed = {};
  console.log(JSON.stringify(report));
});
process.stdin.on('end', () => process.exit());
