/**
 * The same faults of closing in other manners: other software, other ways to close, uploads, HTTP/1.0, IPv6, proxies. They were written
 * from the words of the rules, without a look at how these are found.
 */

import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { connect, Socket } from 'node:net';
import { pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { python, serve } from '../rule-captures/actors.js';
import { each, far, type Scenario } from './closing-faults.js';
import { Line, requestText } from './line.js';
import { oddServer } from './odd-server.js';

const local6 = '::1';

/** Requests of several kinds meet a FIN or a reset on the link of 40 ms. */
export const crossings =
  (port: number, how: 'FIN' | 'reset'): Scenario =>
  async (truth, ready) => {
    const patienceMs = 1000;
    await ready();
    await each(
      24,
      async (index) => {
        const line = await Line.open(port, { host: far });
        if ((await line.ask(`/first/${index}`)) !== 'answered') return;
        const answeredAt = performance.now();
        const early = index % 6 === 5;
        await pause(patienceMs - (early ? 300 : 22) - (performance.now() - answeredAt));
        if (line.over) return line.leave();
        const kinds = [
          requestText(`/old/${index}`, { fields: 'Connection: keep-alive\r\n' }).replace('HTTP/1.1', 'HTTP/1.0'),
          `PUT /file/${index} HTTP/1.1\r\nHost: service.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
          requestText(`/form/${index}`, { method: 'POST', body: 'x'.repeat(9000) }),
          requestText(`/one/${index}`) + requestText(`/two/${index}`),
        ];
        const outcome = await line.send(kinds[index % kinds.length]!);
        if (outcome === 'lost') {
          const what = ['HTTP/1.0', 'chunked', 'a body of 9 kB', 'two at once'][index % kinds.length];
          truth.connection('stale-reuse', `${what} against a ${how} on a link`, line);
        } else truth.nearMiss('reuse 0.3 s before the server closes, answered');
        await line.leave();
      },
      12,
    );
    if (how === 'FIN') {
      await each(4, async () => {
        const line = await Line.open(port, { host: far });
        await line.ask();
        await line.closedByPeer();
        await line.leave();
      });
      truth.server('timeout-inferred', 'a server on bare sockets', port);
    }
  };

export const knowinglyLate: Scenario = async (truth, ready) => {
  const [apache, old, big] = [8403, 8404, 8405];
  await peers.startApache(apache, 'KeepAlive On\nKeepAliveTimeout 1');
  await oddServer(old, { idleMs: 600, version: '1.0', fields: 'Connection: keep-alive\r\n', host: local6 });
  await oddServer(big, { idleMs: 700 });
  await ready();
  const rounds = 'for i in range(5):';
  await Promise.all([
    python(
      `127.0.0.1:${apache}`,
      rounds,
      `  c = http.client.HTTPConnection('127.0.0.1:${apache}')`,
      '  get("/")',
      '  time.sleep(1.3)',
      '  get("/", "POST", "x=1")',
    ),
    each(6, async (index) => {
      const line = await Line.open(old, { host: local6 });
      await line.ask('/', { fields: 'Connection: keep-alive\r\n' });
      await line.closedByPeer();
      await pause(5 + 60 * index);
      truth.connection('reuse-after-fin', 'HTTP/1.0 with keep-alive over IPv6', line);
      await line.ask('/again', { fields: 'Connection: keep-alive\r\n' });
      await line.leave();
    }),
    each(6, async (index) => {
      const line = await Line.open(big);
      await line.ask('/');
      await line.closedByPeer();
      await pause(5 + 60 * index);
      truth.connection('reuse-after-fin', 'an upload of 60 kB behind the FIN', line);
      await line.ask('/again', { method: 'POST', body: 'x'.repeat(60_000) });
      await line.leave();
    }),
  ]);
  truth.everyConnection('reuse-after-fin', 'Python, Apache', apache);
  truth.server('timeout-inferred', 'Apache', apache);
  truth.server('timeout-inferred', 'idle closes, HTTP/1.0', old);
  truth.server('timeout-inferred', 'idle closes before uploads', big);
};

export const noAnswerButAClose: Scenario = async (truth, ready) => {
  const [nginx, odd, odd6, go] = [8406, 8407, 8408, 8409];
  await peers.startNginx(nginx, 'if ($arg_gone) { return 444; }');
  await oddServer(odd);
  await oddServer(odd6, { host: local6, version: '1.0', fields: 'Connection: keep-alive\r\n' });
  await peers.startGo(go, 60_000);
  await ready();
  await each(36, async (index) => {
    const kind = index % 6;
    const line = await Line.open(kind === 0 ? nginx : kind === 5 ? odd6 : odd, kind === 5 ? { host: local6 } : {});
    const keep = { fields: 'Connection: keep-alive\r\n' };
    if (index % 12 < 6) {
      await line.ask('/', keep);
      await pause(index % 3 === 0 ? 20 : 300 + 40 * index);
    }
    const lost = [
      () => line.ask('/?gone=1'),
      () => line.ask(`/fin/${index}`),
      () => line.ask(`/rst/${2 * index}`),
      () => line.ask(`/fin/0/${index}`, { method: 'POST', body: 'x'.repeat(120_000) }),
      () =>
        line.send(
          `POST /rst/3/${index} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\n${'y'.repeat(1000)}\r\n0\r\n\r\n`,
        ),
      () => line.ask('/fin/15', keep),
    ];
    const outcome = await lost[kind]!();
    const names = ['nginx return 444', 'FIN', 'reset', 'FIN behind an upload', 'reset behind chunks', 'HTTP/1.0 over IPv6'];
    if (outcome === 'lost') truth.connection('closed-without-answer', names[kind]!, line);
    await line.leave();
  });
};

/** Killed with requests waiting. Some requests are lost seconds before, while the server lives on. */
export const died =
  (port: number, what: 'HAProxy' | 'nginx' | 'Apache'): Scenario =>
  async (truth, ready) => {
    const behind = port + 40;
    await oddServer(behind);
    const server =
      what === 'HAProxy'
        ? await peers.startHaproxy(port, behind, '30s')
        : what === 'nginx'
          ? await peers.startNginx(
              port,
              `location /wait { proxy_pass http://127.0.0.1:${behind}; } if ($arg_gone) { return 444; }`,
            )
          : await peers.startApache(
              port,
              `LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
ProxyPass /wait http://127.0.0.1:${behind}/wait`,
            );
    await ready();
    if (what === 'nginx') {
      for (let lost = 0; lost < 3; lost += 1) {
        const line = await Line.open(port);
        await line.ask('/?gone=1');
        truth.connection('closed-without-answer', 'seconds before the server is killed', line);
        await line.leave();
      }
      const fine = await Line.open(port);
      for (let asked = 0; asked < 4; asked += 1) {
        await fine.ask('/');
        await pause(700);
      }
      await fine.leave();
    }
    const lines = await Promise.all(Array.from({ length: 5 }, () => Line.open(port)));
    const asked = lines.map((line) => line.ask('/wait/20000'));
    await pause(what === 'Apache' ? 1300 : 500);
    // Apache takes ten seconds for it.
    const stopped = server.stop(what === 'HAProxy' ? 'SIGKILL' : 'SIGTERM');
    await Promise.all(asked);
    for (const line of lines) truth.connection('server-died', `${what} stopped while requests wait`, line);
    for (const line of lines) await line.leave();
    await stopped;
    for (let index = 0; index < 2; index += 1) {
      const socket = new Socket();
      const startedAtMs = Date.now();
      const clientPort = 26_000 + (port % 100) * 10 + index;
      await new Promise<void>((done) => {
        socket.once('error', () => done());
        socket.connect({ port, host: '127.0.0.1', localPort: clientPort });
      });
      truth.connection('refused', `${what} stopped`, { clientPort, serverPort: port, startedAtMs });
    }
    if (what === 'Apache') truth.everyConnection('client-gave-up', 'Apache, stopped while it waits', behind);
    if (what === 'nginx') truth.server('reuse-disabled', 'nginx to its upstream', behind);
  };

export const brokenAnswers: Scenario = async (truth, ready) => {
  const [odd, proxy, behind] = [8413, 8414, 8415];
  await oddServer(odd);
  await oddServer(behind);
  await peers.startHaproxy(proxy, behind, '700ms');
  await ready();
  await each(24, async (index) => {
    const path = ['/half-head', '/cut-by-reset', '/cut-in-chunk', '/pieces/5'][index % 4]!;
    const line = await Line.open(odd);
    if (index % 3 > 0) await line.ask();
    const outcome = await line.ask(path);
    if (outcome === 'lost') truth.connection('response-cut', `a server on bare sockets ${path}`, line);
    else truth.nearMiss('an answer in pieces');
    await line.leave();
  });
  await each(5, async () => {
    const line = await Line.open(proxy);
    await line.ask('/pieces/900');
    truth.connection('response-cut', 'HAProxy, timeout server', line);
    await line.leave();
  });
  truth.everyConnection('response-cut', 'closed by HAProxy, behind it', behind);
};

/** An answer before the upload is done, and a reset. */
export const earlyAnswers: Scenario = async (truth, ready) => {
  const [odd, nginx] = [8416, 8417];
  await oddServer(odd);
  await peers.startNginx(nginx, 'client_max_body_size 1k; lingering_close off;');
  await ready();
  await each(15, async (index) => {
    const port = index % 3 === 2 ? nginx : odd;
    const path = index % 3 === 0 ? '/early/401/at-once' : '/early/302/at-once';
    const line = await Line.open(port);
    line.socket.write(`POST ${path} HTTP/1.1\r\nHost: service.test\r\nContent-Length: 90000\r\n\r\n`);
    for (let sent = 0; sent < 90_000 && !line.socket.destroyed; sent += 4500) {
      line.socket.write('x'.repeat(4500));
      await pause(5);
    }
    await pause(30);
    if (port === nginx) truth.nearMiss('413, and the upload is read although lingering is off');
    else truth.connection('response-lost-to-reset', `early ${path.slice(7, 10)}`, line);
    await line.leave();
  });
};

export const moreHints: Scenario = async (truth, ready) => {
  const [most, silent, restarted, proxy, behind] = [8418, 8419, 8420, 8421, 8422];
  // Fewer requests than announced, at varying counts.
  await oddServer(silent, { fields: 'Keep-Alive: timeout=30, max=50\r\n', mostAnswers: 3 });
  await oddServer(most, { fields: 'Keep-Alive: timeout=30, max=2\r\n' });
  const node = await peers.startNode(restarted, 30_000);
  await serve(behind, (_, response) => response.end('hello\n'), { keepAliveTimeoutMs: 2000 });
  // A proxy that hands every field on.
  const passing = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const inner = httpRequest({ port: behind, path: request.url, agent: keptAgent }, (answer) => {
      response.writeHead(answer.statusCode!, { ...answer.headers, connection: 'keep-alive' });
      answer.pipe(response);
    });
    inner.end();
  });
  const { Agent } = await import('node:http');
  const keptAgent = new Agent({ keepAlive: true, keepAliveMsecs: 60_000 });
  passing.listen(proxy);
  await once(passing, 'listening');
  await ready();
  await Promise.all([
    each(8, async () => {
      const line = await Line.open(silent);
      for (let asked = 0; asked < 3; asked += 1) await line.ask();
      await line.closedByPeer();
      truth.connection('hint-broken', 'max=50 announced, closed behind the third answer', line);
      await line.leave();
    }),
    each(9, async (index) => {
      const line = await Line.open(most);
      const beyond = index % 3 !== 2;
      for (let asked = 0; asked < (beyond ? 6 : 2); asked += 1) await line.ask();
      if (beyond) truth.connection('hint-ignored', 'six requests where max=2 was announced', line);
      else truth.nearMiss('no more requests than announced');
      await line.leave();
    }),
    (async () => {
      const lines = await Promise.all(Array.from({ length: 5 }, () => Line.open(restarted)));
      for (const line of lines) {
        await line.ask();
        await pause(300);
      }
      await node.stop('SIGTERM');
      await Promise.all(lines.map((line) => line.closedByPeer()));
      truth.nearMiss('idle connections of a server that is stopped', 5);
      for (const line of lines) await line.leave();
    })(),
    each(4, async (index) => {
      const line = await Line.open(proxy);
      for (let asked = 0; asked < 3; asked += 1) {
        await line.ask(`/page/${index}/${asked}`);
        await pause(asked === 1 ? 3400 : 400);
      }
      await line.leave();
      truth.connection('hint-ignored', 'reused behind the time that a proxy passes on', line);
    }),
  ]);
  truth.server('max-requests', 'unannounced, behind the third answer', silent);
  truth.server('timeout-inferred', 'Node behind a proxy', behind);
  truth.server('hint-leaked', 'a Node proxy that copies all fields', proxy);
  keptAgent.destroy();
  passing.close();
};

export const countedAndAged: Scenario = async (truth, ready) => {
  const [apache, node, aged] = [8423, 8424, 8425];
  await peers.startApache(apache, 'KeepAlive On\nMaxKeepAliveRequests 6');
  const server = createServer((_, response) => response.end('hello\n'));
  server.maxRequestsPerSocket = 7;
  server.listen(node);
  await once(server, 'listening');
  await peers.startNginx(aged, 'keepalive_time 1500ms;');
  await ready();
  await each(10, async (index) => {
    const line = await Line.open(index % 2 === 0 ? apache : node);
    for (let asked = 0; asked < (index % 2 === 0 ? 12 : 7) && !line.over; asked += 1) {
      await line.ask();
      await pause(10);
    }
    await line.leave();
  });
  await each(
    8,
    async (index) => {
      await pause(140 * index);
      const line = await Line.open(aged);
      while (!line.over) {
        await line.ask();
        await pause(15 + 3 * index);
      }
      await line.leave();
    },
    8,
  );
  truth.server('max-requests', 'Apache, MaxKeepAliveRequests', apache);
  truth.server('max-requests', 'Node, maxRequestsPerSocket', node);
  truth.server('age-limit', 'nginx, keepalive_time', aged);
  server.close();
};

/** The server closes in the middle of a pipeline. */
export const moreTails: Scenario = async (truth, ready) => {
  const [odd, apache] = [8426, 8427];
  await oddServer(odd);
  await peers.startApache(apache, 'KeepAlive On\nMaxKeepAliveRequests 3');
  await ready();
  await each(16, async (index) => {
    const port = index % 2 === 0 ? odd : apache;
    const line = await Line.open(port);
    const paths = port === odd ? ['/a', '/b', '/last', '/c', '/d'] : ['/', '/', '/', '/', '/'];
    line.socket.write(paths.map((path) => requestText(path)).join(''));
    await line.closedByPeer();
    truth.connection('pipeline-tail-dropped', port === odd ? 'Connection: close on the third of five' : 'Apache', line);
    await line.leave();
  });
  truth.server('max-requests', 'Apache, with pipelines', apache);
  truth.server('max-requests', 'with pipelines', odd);
};

/** The client half-closes, and the server stays; or answers late, or drops the answer. */
export const halfCloses: Scenario = async (truth, ready) => {
  const [stays, late, node, go] = [8428, 8429, 8430, 8431];
  await oddServer(stays, { staysOpen: true });
  await oddServer(late);
  await serve(node, (request, response) => void setTimeout(() => response.end('late\n'), request.url === '/soon' ? 5 : 250));
  await peers.startGo(go, 60_000);
  await ready();
  await each(24, async (index) => {
    const port = [stays, late, node, go][index % 4]!;
    const line = await Line.open(port);
    await line.ask('/soon');
    if (port === stays) {
      line.socket.end();
      truth.connection('half-open', 'the server stays', line);
      return;
    }
    const answered = line.send(requestText(port === late ? '/wait/900' : '/?ms=900'));
    line.socket.end();
    const outcome = await answered;
    if (port === node && outcome === 'lost') truth.connection('half-close-dropped', 'Node, a handler of 250 ms', line);
    else truth.nearMiss('half-closed, and answered all the same');
    await line.leave();
  });
};

export const moreCuts: Scenario = async (truth, ready) => {
  const [rst, fin] = [8432, 8433];
  await oddServer(rst);
  await oddServer(fin);
  await ready();
  await each(16, async (index) => {
    const line = await Line.open(index % 2 === 0 ? rst : fin);
    if (index % 4 < 2) await line.ask();
    await line.ask(index % 2 === 0 ? '/rst/800' : '/fin/1400');
    truth.connection('cut-while-waiting', index % 2 === 0 ? 'a reset after 0.8 s' : 'a FIN after 1.4 s', line);
    await line.leave();
  });
};

export const moreUnused: Scenario = async (truth, ready) => {
  const port = 8434;
  await peers.startGo(port, 60_000);
  await ready();
  await each(12, async (index) => {
    const line = await Line.open(port, index % 2 === 0 ? { host: local6 } : {});
    await pause(10 + 10 * index);
    truth.connection('unused-connection', index % 3 === 0 ? 'a check that ends in a reset' : 'over IPv6', line);
    if (index % 3 === 0) line.socket.resetAndDestroy();
    else await line.leave();
  });
};

export const moreDeploys: Scenario = async (truth, ready) => {
  const [apache, node] = [8435, 8436];
  const server = await peers.startApache(apache, 'KeepAlive On\nKeepAliveTimeout 60');
  const second = createServer({ keepAliveTimeout: 60_000 }, (_, response) => response.end('hello\n'));
  second.listen(node);
  await once(second, 'listening');
  await ready();
  const lines: Line[] = [];
  for (let index = 0; index < 28; index += 1) {
    const line = await Line.open(index % 2 === 0 ? apache : node);
    await line.ask();
    lines.push(line);
    await pause(90);
  }
  second.close();
  second.closeIdleConnections();
  await server.stop('SIGTERM');
  await Promise.all(lines.map((line) => line.closedByPeer().then(() => line.leave())));
  truth.server('churn', 'one request each, then idle until the stop', apache);
  truth.server('churn', 'one request each, then idle until the stop', node);
  truth.server('deploy-burst', 'Apache stopped', apache);
  truth.server('deploy-burst', 'Node, closeIdleConnections', node);
};

/** An HTTP/1.0 answer without the token ends its connection; the client goes on. */
export const afterTheLast: Scenario = async (truth, ready) => {
  const port = 8437;
  await oddServer(port);
  await ready();
  await each(10, async (index) => {
    const line = await Line.open(port);
    for (let asked = 0; asked <= index % 4; asked += 1) await line.ask();
    const answered = line.ask('/last');
    await answered;
    if (index % 5 === 4) truth.nearMiss('closed as announced');
    else {
      truth.connection('request-after-close', 'a request behind an announced close, the FIN known', line);
      line.socket.write(requestText('/more'));
      await pause(50);
    }
    await line.leave();
  });
};

/** The callers leave; some servers answer all the same, into nothing. */
export const leavers: Scenario = async (truth, ready) => {
  const [go, node] = [8438, 8439];
  await peers.startGo(go, 60_000);
  await peers.startNode(node, 60_000);
  await ready();
  await each(6, async () => {
    await peers.run('curl', '-s', '-m', '1.2', `http://127.0.0.1:${go}/?ms=2600`);
  });
  truth.everyConnection('client-gave-up', 'curl -m, Go answers later', go);
  await each(6, async (index) => {
    const socket = connect({ port: node, host: '127.0.0.1' });
    socket.on('error', () => {});
    await once(socket, 'connect');
    const startedAtMs = Date.now();
    const line = { clientPort: socket.localPort!, serverPort: node, startedAtMs };
    socket.write(requestText('/slow?ms=2500'));
    await pause(1300 + 40 * index);
    if (index % 2 === 0) socket.destroy();
    else socket.resetAndDestroy();
    truth.connection('client-gave-up', 'the answer would have come later', line);
  });
  await pause(1500);
};
