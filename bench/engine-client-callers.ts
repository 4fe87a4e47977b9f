/**
 * One client of engine-client.ts, or its server, in a process of its own:
 *
 *     node engine-client-callers.js NAME PORT CONNECTIONS MS      prints {perSecond, cpuMicroseconds}
 *     node engine-client-callers.js server                        prints its port
 *
 * Every client does the same: as many loops as connections, each of which reads the whole response before its next request.
 */

import { get, Agent as HttpAgent } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Writable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { Client } from 'holdfast';
import { Pool } from 'undici';

/** Makes a function that sends one GET and calls back when its response has been read. */
type Maker = (port: number, connections: number) => (done: () => void) => void;

const fail = (error: Error): never => {
  throw error;
};

const makers: Readonly<Record<string, Maker>> = {
  'holdfast exchange': (port, connections) => {
    const client = new Client({ connections });
    const request = { url: `http://127.0.0.1:${port}/` };
    return (done) => void client.exchange(request, { onHead() {}, onBody() {}, onEnd: done, onError: fail });
  },
  'holdfast request': (port, connections) => {
    const client = new Client({ connections });
    const request = { url: `http://127.0.0.1:${port}/` };
    return async (done) => {
      const response = await client.request(request);
      await response.body.bytes();
      done();
    };
  },
  'undici dispatch': (port, connections) => {
    const pool = new Pool(`http://127.0.0.1:${port}`, { connections });
    const options = { path: '/', method: 'GET' } as const;
    const handler = { onConnect() {}, onHeaders: () => true, onData: () => true, onError: fail };
    return (done) => void pool.dispatch(options, { ...handler, onComplete: done });
  },
  'undici stream': (port, connections) => {
    const pool = new Pool(`http://127.0.0.1:${port}`, { connections });
    const options = { path: '/', method: 'GET' } as const;
    return async (done) => {
      await pool.stream(options, () => new Writable({ write: (_piece, _encoding, taken) => taken() }));
      done();
    };
  },
  'undici request': (port, connections) => {
    const pool = new Pool(`http://127.0.0.1:${port}`, { connections });
    const options = { path: '/', method: 'GET' } as const;
    return async (done) => {
      const { body } = await pool.request(options);
      await body.arrayBuffer();
      done();
    };
  },
  'node Agent': (port, connections) => {
    const agent = new HttpAgent({ keepAlive: true, maxSockets: connections });
    return (done) => {
      const request = get({ host: '127.0.0.1', port, path: '/', agent }, (response) => {
        response.on('data', () => {});
        response.on('end', done);
      });
      request.on('error', fail);
    };
  },
  /** No client at all: the floor. */
  'raw sockets': (port) => {
    const idle: { send: (done: () => void) => void }[] = [];
    const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    return (done) => {
      const free = idle.pop();
      if (free !== undefined) return free.send(done);
      let finished = done;
      const socket = connect({ host: '127.0.0.1', port, noDelay: true }, () => socket.write(request, 'latin1'));
      const entry = {
        send(next: () => void) {
          finished = next;
          socket.write(request, 'latin1');
        },
      };
      socket.on('data', () => {
        idle.push(entry);
        finished();
      });
    };
  },
};

export const clientNames = Object.keys(makers);

function measure(name: string, port: number, connections: number, ms: number): void {
  const send = makers[name]!(port, connections);
  let count = 0;
  let live = connections;
  let startedAtMs = 0;
  let startedCpu = process.cpuUsage();
  const warmUntilMs = performance.now() + ms / 4;
  const again = (): void => {
    const nowMs = performance.now();
    if (startedAtMs === 0) {
      if (nowMs >= warmUntilMs) {
        startedAtMs = nowMs;
        startedCpu = process.cpuUsage();
      }
    } else {
      count++;
      if (nowMs - startedAtMs >= ms) {
        if (--live === 0) report(nowMs - startedAtMs);
        return;
      }
    }
    send(again);
  };
  const report = (elapsedMs: number): void => {
    const { user, system } = process.cpuUsage(startedCpu);
    const text = JSON.stringify({ perSecond: (count * 1000) / elapsedMs, cpuMicroseconds: (user + system) / count });
    process.stdout.write(text, () => process.exit());
  };
  for (let index = 0; index < connections; index++) send(again);
}

/** Answers every head with the same bytes; it does not look at them otherwise. */
function runServer(): void {
  const response = Buffer.from(
    'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 5\r\n\r\nHello',
  );
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (data) => {
      for (let at = data.indexOf('\r\n\r\n'); at !== -1; at = data.indexOf('\r\n\r\n', at + 4)) socket.write(response);
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1', () => console.log((server.address() as AddressInfo).port));
  process.stdin.resume();
  process.stdin.on('end', () => process.exit());
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [name, port, connections, ms] = process.argv.slice(2);
  if (name === 'server') runServer();
  else measure(name!, Number(port), Number(connections), Number(ms));
}
