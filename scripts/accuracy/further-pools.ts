/** The same faults of pools, of waiting and of the network in other manners; see further-closing.ts. */

import { Agent } from 'node:http';
import { Socket } from 'node:net';
import { Agent as UndiciAgent, request as undiciRequest } from 'undici';
import { ask, pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { serve } from '../rule-captures/actors.js';
import { each, far, type Scenario } from './closing-faults.js';
import { Line, requestText } from './line.js';
import { oddServer } from './odd-server.js';

const local = 'http://127.0.0.1';
type Link = Awaited<ReturnType<typeof peers.startLink>>;

/** Beside each of them a healthy pool of the same host uses the same server. */
export const moreChurn: Scenario = async (truth, ready) => {
  const [curl, single, off, asked, proxied, proxy] = [8501, 8502, 8503, 8504, 8505, 8506];
  await peers.startNginx(curl);
  await oddServer(single, { mostAnswers: 1 });
  await peers.startApache(off, 'KeepAlive Off');
  await peers.startGo(asked, 60_000);
  await peers.startNode(proxied, 60_000);
  await peers.startNginx(proxy, `location /p { proxy_pass ${local}:${proxied}; }`);
  await ready();
  const pool = async (port: number, requests: number) => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (let done = 0; done < requests; done += 1) await ask(agent, `${local}:${port}/p`);
    agent.destroy();
  };
  await Promise.all([
    each(16, () => peers.run('curl', '-s', '-o', '/dev/null', `${local}:${curl}/`), 1),
    pool(curl, 40),
    each(14, () => peers.run('curl', '-s', '-0', '-o', '/dev/null', `${local}:${asked}/`), 2),
    pool(asked, 40),
    each(
      14,
      async (index) => {
        const line = await Line.open(index % 2 === 0 ? single : off);
        await line.ask();
        await line.closedByPeer();
        await line.leave();
      },
      1,
    ),
    each(
      14,
      async (index) => {
        const line = await Line.open(index % 2 === 0 ? single : off);
        await line.ask();
        await line.closedByPeer();
        await line.leave();
      },
      1,
    ),
    pool(proxy, 30),
  ]);
  truth.server('churn', 'curl for each request, beside a pool', curl);
  truth.server('churn', 'the server closes behind each answer, unannounced', single);
  truth.server('churn', 'Apache, KeepAlive Off', off);
  truth.server('reuse-disabled', 'curl with HTTP/1.0, beside a pool', asked);
  truth.server('reuse-disabled', 'nginx to its upstream by default', proxied);
};

export const morePools: Scenario = async (truth, ready) => {
  const [node, behind, nginx] = [8507, 8508, 8509];
  await peers.startGo(node, 60_000);
  // For longer than the run.
  await peers.startGo(behind, 300_000);
  await peers.startNginx(
    nginx,
    `location /p { proxy_pass http://pool; proxy_http_version 1.1; proxy_set_header Connection ""; rewrite ^ /?ms=30 break; }`,
    `${nginx}`,
    `upstream pool { server 127.0.0.1:${behind}; keepalive 2; }`,
  );
  await ready();
  const few = new Agent({ keepAlive: true, maxFreeSockets: 2 });
  const many = new Agent({ keepAlive: true });
  for (let burst = 0; burst < 6; burst += 1) {
    await each(9, async () => void (await ask(few, `${local}:${node}/?ms=25`)), 9);
    await each(9, async () => void (await ask(many, `${local}:${nginx}/p`)), 9);
    await pause(120);
  }
  few.destroy();
  many.destroy();
  truth.server('tiny-pool', 'Node, maxFreeSockets 2', node);
  truth.server('tiny-pool', 'nginx, keepalive 2 in the upstream', behind);
};

export const moreUnread: Scenario = async (truth, ready) => {
  const [python3, undici] = [8510, 8511];
  await peers.startGo(python3, 60_000);
  await peers.startGo(undici, 60_000);
  await ready();
  await peers.run(
    'python3',
    '-c',
    `import requests
for i in range(8):
  requests.get('${local}:${python3}/large?bytes=9000000', stream=True).status_code`,
  );
  truth.server('unread-body', 'Python requests, streamed and dropped', python3);
  truth.everyConnection('response-cut', 'by the client, which does not want the rest', python3);
  const agents = Array.from({ length: 4 }, () => new UndiciAgent());
  for (const dispatcher of agents) {
    await undiciRequest(`${local}:${undici}/large?bytes=9000000`, { dispatcher });
    await pause(300);
  }
  await pause(1300);
  for (const agent of agents) await agent.destroy();
  truth.server('unread-body', 'undici, body neither read nor dumped', undici);
  truth.everyConnection('slow-client', 'nobody reads, window closed', undici);
  truth.everyConnection('response-cut', 'by the client, which does not want the rest', undici);
};

export const moreLeaks: Scenario = async (truth, ready) => {
  const port = 8512;
  await oddServer(port, { host: '::1' });
  await ready();
  for (let opened = 0; opened < 12; opened += 1) {
    const line = await Line.open(port, { host: '::1' });
    await line.ask();
    await pause(900);
  }
  truth.server('leak', 'raw sockets that are forgotten, IPv6', port);
};

/** nginx repeats what it must not, at its other upstream. And a heartbeat of equal POSTs of which one is lost. */
export const proxyRetries: Scenario = async (truth, ready) => {
  const [proxy, bad, good, beat] = [8513, 8514, 8515, 8516];
  await oddServer(bad);
  await serve(good, (_, response) => response.end('done\n'));
  await oddServer(beat);
  await peers.startNginx(
    proxy,
    'location /fin { proxy_pass http://two; proxy_next_upstream error timeout non_idempotent; proxy_http_version 1.1; proxy_set_header Connection ""; }',
    `${proxy}`,
    `upstream two { server 127.0.0.1:${bad} max_fails=0; server 127.0.0.1:${good} backup; keepalive 8; }`,
  );
  await ready();
  for (let index = 0; index < 8; index += 1) {
    const line = await Line.open(proxy);
    await line.ask(`/fin/${index}`, { method: 'POST', body: `{"order":${500 + index}}` });
    await line.leave();
  }
  truth.everyConnection('hidden-retry', 'nginx, non_idempotent', bad);
  truth.everyConnection('hidden-retry', 'nginx, non_idempotent', good);
  truth.everyConnection('closed-without-answer', 'the try that nginx repeats', bad);
  for (let index = 0; index < 12; index += 1) {
    const line = await Line.open(beat);
    await line.ask('/');
    if (index === 5) {
      truth.connection('closed-without-answer', 'one of many heartbeats', line);
      await line.ask('/fin/5', { method: 'POST', body: 'alive' });
    } else await line.ask('/', { method: 'POST', body: 'alive' });
    await line.leave();
    await pause(200);
  }
};

export const moreSlow: Scenario = async (truth, ready) => {
  const [proxy, behind, expecting, uploads, heads] = [8517, 8518, 8519, 8520, 8521];
  await peers.startNode(behind, 60_000);
  await peers.startHaproxy(proxy, behind, '20s');
  await serve(uploads, (request, response) => request.on('end', () => response.end('thanks\n')));
  await serve(heads, (_, response) => response.end('hello\n'));
  const { createServer } = await import('node:http');
  const server = createServer((_, response) => response.end('no\n'));
  server.on('checkContinue', (request, response) => {
    setTimeout(() => {
      response.writeContinue();
      request.resume().on('end', () => response.end('thanks\n'));
    }, 1400);
  });
  server.listen(expecting);
  await ready();
  await Promise.all([
    each(6, async (index) => {
      const line = await Line.open(proxy);
      await line.ask(`/slow?ms=${1300 + 40 * index}`);
      truth.connection('slow-server', 'behind a proxy, seen in front of it', line);
      await line.leave();
    }),
    each(6, async () => {
      const line = await Line.open(expecting);
      const startedAt = performance.now();
      const answered = line.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n');
      while (performance.now() - startedAt < 1450) await pause(10);
      line.socket.write('hello\n');
      await Promise.race([answered, pause(300)]);
      truth.connection('slow-server', '100 Continue comes late', line);
      await line.leave();
    }),
    each(5, () =>
      peers.run('curl', '-s', '-o', '/dev/null', '--limit-rate', '20k', '--data-binary', '@/usr/bin/env', `${local}:${uploads}/`),
    ),
    each(6, async (index) => {
      const line = await Line.open(heads);
      const answered = line.send('GET / HTTP/1.1\r\nHost: ');
      await pause(1200 + 50 * index);
      line.socket.write('service.test\r\n\r\n');
      await answered;
      truth.connection('slow-client', 'the head comes in two pieces', line);
      await line.leave();
    }),
  ]);
  truth.everyConnection('slow-server', 'behind a proxy, seen behind it', behind);
  truth.everyConnection('slow-client', 'curl --limit-rate', uploads);
  server.close();
};

/** Python’s http.server writes head and body apart, and does not turn Nagle’s algorithm off. */
export const moreNagle: Scenario = async (truth, ready) => {
  const port = 8522;
  const script = `
import http.server
class H(http.server.BaseHTTPRequestHandler):
  protocol_version = 'HTTP/1.1'
  def do_GET(self):
    self.send_response(200); self.send_header('Content-Length', '600'); self.end_headers()
    for i in range(3): self.wfile.write(b'x' * 200)
  def log_message(self, *a): pass
http.server.ThreadingHTTPServer(('127.0.0.1', ${port}), H).serve_forever()`;
  void peers.run('python3', '-c', script);
  await pause(1500);
  await ready();
  await each(5, async () => {
    const line = await Line.open(port);
    for (let asked = 0; asked < 30; asked += 1) await line.ask();
    truth.connection('nagle-delayed-ack', 'Python http.server, in four writes', line);
    await line.leave();
  });
};

export const moreFraming: Scenario = async (truth, ready) => {
  const port = 8523;
  await oddServer(port);
  await ready();
  await each(15, async (index) => {
    const line = await Line.open(port);
    await line.ask();
    const kind = index % 3;
    if (kind === 0) {
      await line.ask('/no-body-please');
      await pause(20);
    } else if (kind === 1) {
      line.socket.write(requestText('/short-chunks'));
      await pause(20);
    } else {
      line.socket.write(`${requestText('/', { method: 'POST', body: 'hello' })}<left over>\r\n\r\n`);
      await pause(20);
    }
    const names = ['a body behind 204', 'more than the chunk size', 'more than the request’s Content-Length'];
    truth.connection('framing-desync', names[kind]!, line);
    line.socket.destroy();
  });
};

/** The idle times that the pools of clients have; and probes of TCP on idle connections. */
export const moreTimeouts: Scenario = async (truth, ready) => {
  const [inOrder, probed, held] = [8524, 8525, 8526];
  await oddServer(inOrder, { idleMs: 3000, fields: 'Keep-Alive: timeout=3\r\n' });
  await oddServer(probed, { idleMs: 3200 });
  await oddServer(held, { idleMs: 1500 });
  await ready();
  await Promise.all([
    each(6, async () => {
      const line = await Line.open(inOrder);
      await line.ask();
      await pause(200);
      await line.ask();
      await pause(1000);
      await line.leave();
    }),
    each(4, async () => {
      const line = await Line.open(probed);
      line.socket.setKeepAlive(true, 1000);
      await line.ask();
      await line.closedByPeer();
      truth.connection('probes-are-not-reuse', 'a probe after a second, closed after three', line);
      await line.leave();
    }),
    each(6, async (index) => {
      const line = await Line.open(held);
      await line.ask();
      for (const ms of [1440, 1450, 300]) {
        await pause(index < 3 ? ms : 200);
        await line.ask();
      }
      await line.closedByPeer();
      await line.leave();
    }),
  ]);
  truth.server('timeout-inferred', 'a server on bare sockets, probed', probed);
  truth.server('timeout-inferred', 'a server on bare sockets', held);
  truth.server('timeout-order', 'reuse after 1.45 s of 1.5 s', held);
};

/** Both addresses of a host; one comes later and gets next to nothing. */
export const pinned: Scenario = async (truth, ready) => {
  const port = 8527;
  await serve(port, (_, response) => response.end('hello\n'));
  await ready();
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  const at = (address: string) => ask(agent, `http://${address}:${port}/`, 'GET', undefined, 'service.test');
  for (let second = 0; second < 45; second += 1) {
    for (let asked = 0; asked < 5; asked += 1) await at('127.0.0.1');
    if (second === 25) await at('127.0.0.9');
    await pause(700);
  }
  agent.destroy();
  truth.server('pinned-load', 'a second address gets one request', port);
};

/** On the link, one after the other: each loss hits only what is named. */
export const lossyLink =
  (link: Link, [slow, opening, cost]: readonly number[]): Scenario =>
  async (truth, ready) => {
    await ready();
    for (let index = 0; index < 6; index += 1) {
      const line = await Line.open(slow!, { host: far });
      await line.ask();
      const answered = line.ask(index % 2 === 0 ? '/large?bytes=400000' : '/');
      await pause(index % 2 === 0 ? 70 : 2);
      await link.drop();
      // Shorter than a timer of TCP, it may all be mended without a standstill.
      await pause(index % 2 === 0 ? 300 : 60);
      await link.pass();
      await answered;
      truth.connection('slow-network', index % 2 === 0 ? 'part of the answer lost' : 'the request lost', line);
      await line.leave();
    }
    const unlimit = link.limit('1mbit');
    for (let index = 0; index < 3; index += 1) {
      const line = await Line.open(slow!, { host: far });
      await line.ask('/large?bytes=200000');
      truth.connection('slow-network', 'a large answer on a thin line', line);
      await line.leave();
    }
    unlimit();
    for (let index = 0; index < 3; index += 1) {
      await link.drop();
      const startedAtMs = Date.now();
      const socket = new Socket();
      socket.on('error', () => {});
      const clientPort = 27_000 + index;
      socket.connect({ port: opening!, host: far, localPort: clientPort });
      await pause(300);
      await link.pass();
      await new Promise((done) => socket.once('connect', done));
      socket.write(requestText('/'));
      await pause(200);
      socket.destroy();
      truth.connection('lost-opening', 'the first SYN lost', { clientPort, serverPort: opening!, startedAtMs });
    }
    // The path comes back: the retransmission is answered at last. And one that never is, though the server resets later.
    await each(
      12,
      async () => {
        await peers.run('curl', '-s', '-o', '/dev/null', `http://${far}:${cost}/`);
      },
      1,
    );
    truth.server('handshake-cost', 'curl for each request on a link of 40 ms', cost!);
    truth.server('churn', 'curl for each request on a link of 40 ms', cost!);
  };
