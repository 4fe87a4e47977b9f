/** How the captures for the rules about closing are made to happen. What each shows is told in the manifest. */

import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { ask, gone, pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import {
  askUndici,
  encryptedPython,
  get,
  leave,
  openSocket,
  type Play,
  type Plays,
  python,
  say,
  serve,
  undici,
} from './actors.js';

const local = 'http://127.0.0.1';
const far = 'http://10.9.0.2:8080';
const onLink = { ports: [8080], device: 'holdfast0' };

/** Requests through Node's agent, `gapMs` apart, on one connection at a time. */
async function askInTurn(count: number, gapMs: number, url = `${local}/`): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < count; i += 1) {
    await ask(agent, url);
    await pause(gapMs);
  }
  agent.destroy();
}

const nginxAsked =
  (directives: string, count: number, gapMs: number): Play =>
  async (record) => {
    await peers.startNginx(80, directives);
    await record({ ports: [80] }, () => askInTurn(count, gapMs));
  };

const goAsked =
  (directives: string, ...gapsMs: number[]): Play =>
  async (record) => {
    await peers.startNginx(80, directives);
    await record({ ports: [80] }, () => peers.runGo('gaps', `${local}/`, ...gapsMs.map(String)));
  };

/** Twice: a request, and after each gap another, on a connection of undici's. */
async function askBehindGaps(connect: () => ReturnType<typeof undici>, gapsMs: readonly number[], method: 'GET' | 'POST') {
  for (let round = 0; round < 2; round += 1) {
    const client = connect();
    await askUndici(client, '/');
    for (const ms of gapsMs) {
      await pause(ms);
      await askUndici(client, `/orders/${round}`, method, method === 'POST' ? '{"item":4711}' : undefined);
    }
    await client.destroy();
    await pause(300);
  }
}

/** A round trip of 100 ms, and a server that closes after a second of idleness. */
const undiciOverLink =
  (gapsMs: readonly number[], method: 'GET' | 'POST'): Play =>
  async (record) => {
    const link = await peers.startLink(50);
    await link.startGoBehind(8080, 1000);
    await record(onLink, () => askBehindGaps(() => undici(far), gapsMs, method));
  };

/** The same through TLS. */
const undiciOverEncryptedLink =
  (gapsMs: readonly number[], method: 'GET' | 'POST'): Play =>
  async (record) => {
    const { certificate, key } = peers.makeCertificate();
    const link = await peers.startLink(50);
    await link.startGoBehind(8443, 1000, [certificate, key]);
    const connect = () => undici('https://10.9.0.2:8443', { connect: { rejectUnauthorized: false } });
    await record({ ports: [8443], device: 'holdfast0' }, () => askBehindGaps(connect, gapsMs, method));
  };

const pipelineOfFive =
  (directives: string): Play =>
  async (record) => {
    await peers.startNginx(80, directives);
    await record({ ports: [80] }, async () => {
      const socket = await openSocket(80);
      await say(socket, ['/one', '/two', '/three', '/four', '/five'].map((path) => get(path)).join(''));
      await pause(100);
      await leave(socket);
    });
  };

const nginxBefore =
  (proxy: string): Play =>
  async (record) => {
    await serve(8081, (_, response) => response.end('hello from behind\n'));
    const upstream = 'upstream behind { server 127.0.0.1:8081; keepalive 4; }';
    await peers.startNginx(80, `location /app { ${proxy} }`, '80', upstream);
    await record({ ports: [8081] }, () => askInTurn(8, 20, `${local}/app`));
  };

/** Three clients, each of which asks again after a gap. */
const askTwice = (origin: string, gapSeconds: number, leaveAfterSeconds: number) => async () => {
  for (const name of ['a', 'b', 'c']) {
    const pauses = [gapSeconds, leaveAfterSeconds].map((seconds) => `time.sleep(${seconds})`);
    await python(origin, `get("/${name}1")`, pauses[0]!, `get("/${name}2")`, pauses[1]!, 'c.close()');
  }
};

/** An upload in small pieces by a client that does not look at the answer before it is done. */
async function upload(port: number): Promise<void> {
  const socket = await openSocket(port);
  socket.write('POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n');
  for (let sent = 0; sent < 100_000 && !socket.destroyed; sent += 5000) {
    socket.write('x'.repeat(5000));
    await pause(5);
  }
  await pause(100);
  socket.destroy();
}

/** HAProxy waits for a second, then it cuts (as a proxy of connections) or answers 504 (as a proxy of HTTP). */
const haproxyWaiting =
  (mode: 'tcp' | 'http', path: string): Play =>
  async (record) => {
    await peers.startNode(8081, 60_000);
    await peers.startHaproxy(80, 8081, '1s', mode);
    await record({ ports: [80] }, async () => {
      for (let i = 0; i < 3; i += 1) {
        const agent = new Agent({ keepAlive: true });
        await ask(agent, `${local}/`);
        await ask(agent, `${local}${path}`);
        agent.destroy();
      }
    });
  };

export const closing: Plays = {
  // The request leaves 50 ms before the FIN arrives, which is 50 ms after the FIN left.
  'stale-reuse/fires': undiciOverLink([950], 'POST'),
  'stale-reuse/near-miss': undiciOverLink([700, 1500], 'GET'),

  'tls-stale-reuse/fires': undiciOverEncryptedLink([950], 'POST'),
  'tls-stale-reuse/near-miss': undiciOverEncryptedLink([700, 1500], 'GET'),
  'tls-stale-reuse/fires-late': async (record) => {
    await peers.startNginx(443, `${peers.tlsDirectives()} keepalive_timeout 1s;`, '443 ssl');
    await record({ ports: [443] }, () => encryptedPython('localhost', 'get("/one")', 'time.sleep(1.6)', 'get("/two")'));
  },
  'tls-stale-reuse/near-miss-farewell': async (record) => {
    await peers.startNginx(443, `${peers.tlsDirectives()} keepalive_timeout 1s;`, '443 ssl');
    const agent = new SecureAgent({ keepAlive: true, rejectUnauthorized: false });
    await record({ ports: [443] }, async () => {
      for (let i = 0; i < 3; i += 1) {
        await ask(agent, 'https://127.0.0.1/');
        await pause(1300);
      }
      agent.destroy();
    });
  },

  'reuse-after-fin/fires': async (record) => {
    await peers.startNginx(80, 'keepalive_timeout 1s;');
    await record({ ports: [80] }, () => python('127.0.0.1', 'get("/one")', 'time.sleep(1.6)', 'get("/two")'));
  },
  'reuse-after-fin/near-miss': async (record) => {
    await peers.startNginx(80, 'keepalive_timeout 1s;');
    const lines = ['get("/one")', 'time.sleep(0.6)', 'get("/two")', 'time.sleep(1.6)', 'c.close()', 'get("/three")'];
    await record({ ports: [80] }, () => python('127.0.0.1', ...lines));
  },

  'timeout-inferred/fires': nginxAsked('keepalive_timeout 1s;', 5, 1300),
  'timeout-inferred/near-miss': nginxAsked('keepalive_timeout 0;', 5, 100),

  // The server closes after 2 s.
  'timeout-order/fires': async (record) => {
    await peers.startGo(8080, 2000);
    await record({ ports: [8080] }, () => peers.runGo('gaps', `${local}:8080/`, '1900', '2200', '1950', '2200', '1900', '2200'));
  },
  'timeout-order/near-miss': async (record) => {
    await peers.startGo(8080, 2000);
    await record({ ports: [8080] }, async () => {
      for (let round = 0; round < 3; round += 1) await peers.runGo('gaps', `${local}:8080/`, '300', '350', '300');
    });
  },

  'hint-broken/fires': nginxAsked('keepalive_timeout 1s 5;', 3, 1400),
  'hint-broken/near-miss': nginxAsked('keepalive_timeout 2s 2;', 3, 2300),

  'hint-ignored/fires': goAsked('keepalive_timeout 5s 1;', 1500, 1600),
  'hint-ignored/near-miss': goAsked('keepalive_timeout 5s 1;', 400, 800),

  'hint-leaked/fires': async (record) => {
    await serve(8081, (_, response) => response.end('hello from node\n'), { keepAliveTimeoutMs: 2000 });
    // A proxy as many write it: every field of the response goes on to the client.
    const agent = new Agent({ keepAlive: true });
    await serve(8080, (incoming, outgoing) => {
      const onward = request(`${local}:8081${incoming.url}`, { agent }, (response) => {
        outgoing.writeHead(response.statusCode!, response.headers);
        response.pipe(outgoing);
      });
      onward.end();
    });
    await record({ ports: [8080, 8081] }, askTwice('127.0.0.1:8080', 2.5, 0));
    agent.destroy();
  },
  'hint-leaked/near-miss': async (record) => {
    // The proxy announces the same number as the server behind it, and it is its own.
    await serve(8081, (_, response) => response.end('hello from node\n'), { keepAliveTimeoutMs: 2000 });
    const proxy = 'proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection "";';
    const upstream = 'upstream behind { server 127.0.0.1:8081; keepalive 4; keepalive_timeout 1s; }';
    await peers.startNginx(8080, `keepalive_timeout 2s 2; location ~ . { ${proxy} }`, '8080', upstream);
    await record({ ports: [8080, 8081] }, askTwice('127.0.0.1:8080', 1.2, 2.3));
  },

  'max-requests/fires': nginxAsked('keepalive_requests 3;', 10, 10),
  'max-requests/near-miss': async (record) => {
    // The client stops after three.
    await peers.startNginx(80);
    await record({ ports: [80] }, async () => {
      for (let round = 0; round < 3; round += 1) await askInTurn(3, 10);
    });
  },

  'age-limit/fires': async (record) => {
    const closeAtAge = { onConnection: (socket: { end(): void }) => void setTimeout(() => socket.end(), 2000) };
    await serve(8080, (_, response) => response.end('hello\n'), closeAtAge);
    // A gap that changes: the close comes after as many kinds of idleness.
    await record({ ports: [8080] }, async () => {
      for (const gapMs of [130, 170, 230, 270]) await askInTurn(Math.ceil(2000 / gapMs), gapMs, `${local}:8080/`);
    });
  },
  'age-limit/near-miss': async (record) => {
    await peers.startNginx(80, 'keepalive_timeout 1s;');
    await record({ ports: [80] }, async () => {
      for (const requests of [2, 4, 7]) {
        await askInTurn(requests, 100, `${local}/`);
        const agent = new Agent({ keepAlive: true });
        for (let i = 0; i < requests; i += 1) await ask(agent, `${local}/`);
        await pause(1200);
        agent.destroy();
      }
    });
  },

  'pipeline-tail-dropped/fires': pipelineOfFive('keepalive_requests 3;'),
  'pipeline-tail-dropped/near-miss': pipelineOfFive(''),

  'reuse-disabled/fires': nginxBefore('proxy_pass http://behind;'),
  'reuse-disabled/near-miss': nginxBefore('proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection "";'),

  'unused-connection/fires': async (record) => {
    await peers.startNginx(80, 'client_header_timeout 1s;');
    await record({ ports: [80] }, async () => {
      const [early, asked] = [await openSocket(80), await openSocket(80)];
      await say(asked, get('/'));
      await leave(asked);
      await once(early, 'end');
      await leave(early);
    });
  },
  'unused-connection/near-miss': async (record) => {
    await peers.startNginx(80, 'client_header_timeout 2s;');
    await record({ ports: [80] }, async () => {
      const early = await openSocket(80);
      await pause(900);
      await say(early, get('/'));
      await leave(early);
    });
  },

  'deploy-burst/fires': async (record) => {
    const nginx = await peers.startNginx(80);
    await record({ ports: [80] }, async () => {
      const sockets = [];
      for (let i = 0; i < 12; i += 1) {
        const socket = await openSocket(80);
        await say(socket, get(`/page-${i}`));
        sockets.push(socket);
        await pause(100);
      }
      const closed = Promise.all(
        sockets.map(async (socket) => {
          await once(socket, 'end');
          await leave(socket);
        }),
      );
      await nginx.stop('SIGQUIT');
      await closed;
    });
  },
  'deploy-burst/near-miss': async (record) => {
    await peers.startNginx(80, 'keepalive_timeout 1s;');
    await record({ ports: [80] }, async () => {
      const sockets = [];
      for (let i = 0; i < 12; i += 1) sockets.push(await openSocket(80));
      await Promise.all(
        sockets.map(async (socket, i) => {
          await say(socket, get(`/page-${i}`));
          await once(socket, 'end');
          await leave(socket);
        }),
      );
    });
  },

  'response-cut/fires': async (record) => {
    const whole = 'a third of what was promised '.repeat(11);
    await serve(8081, (_, response) => {
      response.setHeader('Content-Length', 1000);
      response.write(whole, () => setTimeout(() => response.destroy(), 100));
    });
    await peers.startNginx(80, 'location /app { proxy_pass http://127.0.0.1:8081; }');
    await record({ ports: [80] }, () => peers.run('curl', '-s', `${local}/`, `${local}/app`));
  },
  'response-cut/near-miss': async (record) => {
    // Neither length nor chunks: the end of the connection is the end of the body.
    await serve(8080, (_, response) => {
      response.removeHeader('Transfer-Encoding');
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { Connection: 'close' });
      response.write('as long as it takes ');
      setTimeout(() => response.end('and now it is over\n'), 200);
    });
    await record({ ports: [8080] }, () => peers.run('curl', '-s', `${local}:8080/`));
  },

  'response-lost-to-reset/fires': async (record) => {
    // Node answers and closes, with most of the body still unread.
    const refuse: Parameters<typeof serve>[1] = (_, response) => {
      response.writeHead(413, { Connection: 'close' });
      response.end('too large\n');
    };
    await serve(8080, refuse, { bodiesUnread: true });
    await record({ ports: [8080] }, () => upload(8080));
  },
  'response-lost-to-reset/near-miss': async (record) => {
    await peers.startNginx(80, 'client_max_body_size 1k;');
    await record({ ports: [80] }, () => upload(80));
  },

  'cut-while-waiting/fires': haproxyWaiting('tcp', '/never'),
  'cut-while-waiting/near-miss': haproxyWaiting('tcp', '/slow?ms=800'),
  'cut-while-waiting/near-miss-answered': haproxyWaiting('http', '/never'),

  'server-died/fires': async (record) => {
    const node = await peers.startNode(8080, 60_000);
    await record({ ports: [8080] }, async () => {
      const agent = new Agent({ keepAlive: true });
      await ask(agent, `${local}:8080/`);
      const waiting = [ask(agent, `${local}:8080/never`), ask(agent, `${local}:8080/never`)];
      await pause(400);
      await node.stop('SIGKILL');
      await Promise.all(waiting);
      await ask(agent, `${local}:8080/`);
    });
  },
  'server-died/near-miss': async (record) => {
    // One handler throws its connection away; the server lives on.
    await serve(8080, (request, response) => {
      if (request.url === '/throws') setTimeout(() => request.socket.destroy(), 400);
      else response.end('hello\n');
    });
    await record({ ports: [8080] }, async () => {
      const agent = new Agent({ keepAlive: true });
      for (const path of ['/', '/throws', '/']) await ask(agent, `${local}:8080${path}`);
      agent.destroy();
    });
  },

  'closed-without-answer/fires': async (record) => {
    await serve(8080, (request, response) => {
      if (request.url === '/throws') setTimeout(() => request.socket.destroy(), 40);
      else response.end('hello\n');
    });
    await record({ ports: [8080] }, () => peers.run('curl', '-s', `${local}:8080/throws`, `${local}:8080/`));
  },
  'closed-without-answer/near-miss': async (record) => {
    // An answer without a body, and the close that was announced with it.
    await serve(8080, (_, response) => response.writeHead(204, { Connection: 'close' }).end());
    await record({ ports: [8080] }, () => peers.run('curl', '-s', `${local}:8080/`, `${local}:8080/`));
  },

  'client-gave-up/fires': async (record) => {
    await peers.startNode(8080, 60_000);
    await record({ ports: [8080] }, () => peers.run('curl', '-s', '-m', '1.2', `${local}:8080/never`));
  },
  'client-gave-up/near-miss': async (record) => {
    await peers.startNode(8080, 60_000);
    await record({ ports: [8080] }, () => peers.run('curl', '-s', '-m', '1.2', `${local}:8080/slow?ms=900`));
  },

  'proxy-gave-up/fires': async (record) => {
    await peers.startNode(8080, 60_000);
    await peers.startHaproxy(80, 8080, '1s');
    await record({ ports: [80, 8080] }, () => peers.run('curl', '-s', `${local}:80/slow?ms=1600`));
  },
  'proxy-gave-up/near-miss': async (record) => {
    // The caller itself leaves, and the proxy with it.
    await peers.startNode(8080, 60_000);
    await peers.startNginx(80, 'location /slow { proxy_pass http://127.0.0.1:8080; }');
    await record({ ports: [80, 8080] }, () => peers.run('curl', '-s', '-m', '1.2', `${local}:80/slow?ms=1600`));
  },

  'half-close-dropped/fires': async (record) => {
    await peers.startNode(8080, 60_000);
    await record({ ports: [8080] }, () => halfClose(8080, '/slow?ms=300'));
  },
  'half-close-dropped/near-miss': async (record) => {
    await peers.startGo(8080, 60_000);
    await record({ ports: [8080] }, () => halfClose(8080, '/?ms=300'));
  },

  'request-after-close/fires': async (record) => {
    // The answer has said so before the FIN is there.
    const link = await peers.startLink(20);
    await link.startGoBehind(8080, 5000);
    await record(onLink, async () => {
      const socket = await openSocket(8080, '10.9.0.2');
      await say(socket, get('/first', 'Connection: close\r\n'));
      socket.write(get('/second'));
      await pause(900);
      socket.destroy();
    });
  },
  'request-after-close/near-miss': async (record) => {
    const link = await peers.startLink(20);
    await link.startGoBehind(8080, 5000);
    await record(onLink, async () => {
      for (const path of ['/first', '/second']) {
        const socket = await openSocket(8080, '10.9.0.2');
        await say(socket, get(path, 'Connection: close\r\n'));
        await leave(socket);
      }
    });
  },

  'half-open/fires': async (record) => {
    await peers.startNginx(80, 'keepalive_timeout 1s;');
    await record({ ports: [80] }, async () => {
      // Ended behind the recording.
      void python('127.0.0.1', 'get("/")', 'time.sleep(600)');
      await pause(66_000);
      await peers.run('curl', '-s', `${local}/`);
    });
  },
  'half-open/near-miss': async (record) => {
    await peers.startNginx(80, 'keepalive_timeout 1s;');
    await record({ ports: [80] }, () => python('127.0.0.1', 'get("/")', 'time.sleep(1.4)'));
  },

  'late-reset/fires': async (record) => {
    // The empty line that some clients send behind a body finds the server's socket gone.
    const link = await peers.startLink(20);
    await link.startNodeBehind(8080, 300);
    await record(onLink, async () => {
      const socket = await openSocket(8080, '10.9.0.2');
      await say(socket, 'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}');
      await once(socket, 'end');
      socket.end('\r\n');
      await gone(socket);
      await pause(200);
    });
  },
  'late-reset/near-miss': async (record) => {
    const link = await peers.startLink(20);
    await link.startGoBehind(8080, 5000);
    await record(onLink, async () => {
      const socket = await openSocket(8080, '10.9.0.2');
      await say(socket, get('/reset'));
      await gone(socket);
    });
  },
};

/** A request with the end of the sending side right behind it. */
async function halfClose(port: number, path: string): Promise<void> {
  const socket = await openSocket(port);
  socket.end(get(path));
  await gone(socket);
}
