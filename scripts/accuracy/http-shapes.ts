/**
 * What HTTP allows and few tests send: 100-continue in all its ways, answers without a body, upgrades and tunnels, half-closes, long
 * polling and event streams, callers that change their mind. Most of it is in order and must stay without a finding.
 */

import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { serve } from '../rule-captures/actors.js';
import { each, type Scenario } from './closing-faults.js';
import { Line, requestText } from './line.js';
import { keepServer, keepSocket, oddServer } from './odd-server.js';

/** A server on bare sockets: `attend` gets each piece of what comes in. */
async function rawServer(port: number, attend: (socket: Socket, text: string, pieces: number) => void): Promise<void> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    keepSocket(socket);
    let pieces = 0;
    socket.on('data', (bytes) => {
      pieces += 1;
      attend(socket, bytes.toString('latin1'), pieces);
    });
    socket.on('end', () => socket.end());
  });
  keepServer(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
}

/** Resolves when anything comes, or the end. */
const heard = ({ socket }: Line): Promise<void> =>
  new Promise((done) => {
    if (socket.destroyed) {
      done();
      return;
    }
    for (const event of ['data', 'end', 'close']) socket.once(event, () => done());
  });

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n';
const expecting = (length: number): string =>
  `POST /upload HTTP/1.1\r\nHost: service.test\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;

/** Asked at once, refused, and not answered at all: then the caller sends after a second, as curl does. */
export const expectations: Scenario = async (truth, ready) => {
  const [willing, refusing, deaf, closing] = [8601, 8602, 8603, 8604];
  await serve(willing, (request, response) => request.on('end', () => response.end('thanks\n')));
  await rawServer(refusing, (socket, text) => {
    socket.write(text.startsWith('POST') ? 'HTTP/1.1 417 Expectation Failed\r\nContent-Length: 3\r\n\r\nno\n' : ok);
  });
  await rawServer(deaf, (socket, text) => {
    if (!text.startsWith('POST')) socket.write(ok);
  });
  await rawServer(closing, (socket, text) => {
    if (text.startsWith('POST')) socket.end('HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nno\n');
    else socket.write(ok);
  });
  await ready();
  await Promise.all([
    each(6, async () => {
      const line = await Line.open(willing);
      await line.ask();
      line.socket.write(expecting(9000));
      await heard(line);
      await line.send('x'.repeat(9000));
      await line.ask();
      await line.leave();
      truth.nearMiss('100 Continue at once');
    }),
    each(6, async () => {
      const line = await Line.open(refusing);
      await line.send(expecting(9000));
      await line.ask();
      await line.leave();
      truth.nearMiss('417, the body is not sent, the connection goes on');
    }),
    each(6, async () => {
      const line = await Line.open(deaf);
      await line.ask();
      line.socket.write(expecting(4));
      await pause(1050);
      await line.send('GET ');
      await line.ask();
      await line.leave();
      truth.connection('slow-server', 'no 100 Continue, and the client goes on after a second', line);
    }),
    each(6, async () => {
      const line = await Line.open(closing);
      await line.ask();
      await line.send(expecting(9000));
      await line.closedByPeer();
      await line.leave();
      truth.nearMiss('413 with Connection: close instead of 100 Continue');
    }),
    ...[0, 1, 2].map(() =>
      peers.run(
        'curl',
        '-s',
        '-H',
        'Expect: 100-continue',
        '-d',
        'x'.repeat(2000),
        `http://127.0.0.1:${willing}/`,
        '-o',
        '/dev/null',
      ),
    ),
  ]);
};

/** Answers that have no body whatever their head says, and such that send one all the same. */
export const bodiless: Scenario = async (truth, ready) => {
  const [right, wrong] = [8605, 8606];
  const answer = (text: string): string => {
    if (text.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n';
    if (text.includes('/304')) return 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5000\r\nETag: "a"\r\n\r\n';
    if (text.includes('/204')) return 'HTTP/1.1 204 No Content\r\nContent-Length: 12\r\n\r\n';
    if (text.includes('/chunked')) return 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n';
    return ok;
  };
  await rawServer(right, (socket, text) => void socket.write(answer(text)));
  await rawServer(wrong, (socket, text) => {
    const body = text.startsWith('HEAD') || text.includes('/304') ? `${'<p>not here'.repeat(9)}\n` : '';
    socket.write(answer(text) + body);
  });
  await ready();
  const paths = ['/', '/304', '/204', '/chunked', '/'];
  await Promise.all([
    each(8, async () => {
      const line = await Line.open(right);
      for (const path of paths) await line.ask(path);
      line.socket.write(requestText('/head', { method: 'HEAD' }));
      await heard(line);
      await line.ask();
      await line.leave();
      truth.nearMiss('HEAD, 304 and 204 with a Content-Length');
    }),
    each(8, async (index) => {
      const line = await Line.open(wrong);
      await line.ask();
      line.socket.write(requestText(index % 2 === 0 ? '/head' : '/304', index % 2 === 0 ? { method: 'HEAD' } : {}));
      await heard(line);
      await pause(30);
      await line.ask();
      truth.connection('framing-desync', 'a body behind HEAD or 304', line);
      await line.leave();
    }),
  ]);
};

/** WebSockets and tunnels: talk, silence, closes from both sides, and a reset in the middle. */
export const tunnels: Scenario = async (truth, ready) => {
  const port = 8607;
  await rawServer(port, (socket, text, pieces) => {
    if (pieces === 1 && text.startsWith('CONNECT')) socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    else if (pieces === 1 && text.includes('refused')) socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nbad\n');
    else if (pieces === 1) socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    else if (text.startsWith('GET')) socket.write(ok);
    else if (text.includes('reset')) socket.resetAndDestroy();
    else if (text.includes('end')) socket.end();
    else socket.write(`\x81\x05hello${'.'.repeat(text.length)}`);
  });
  await ready();
  const upgrade = requestText('/chat', {
    fields:
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
  });
  await each(16, async (index) => {
    const line = await Line.open(port);
    const say = async (text: string): Promise<void> => {
      line.socket.write(text);
      await heard(line);
    };
    if (index % 8 === 7) {
      await say(upgrade.replace('/chat', '/refused'));
      await say(requestText('/'));
      truth.nearMiss('an upgrade that is refused');
    } else {
      await say(index % 2 === 0 ? upgrade : 'CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n');
      for (let said = 0; said < 4; said += 1) {
        await say(`\x81\x85mask${'x'.repeat(40 * said)}`);
        await pause(said === 2 ? 2300 : 20);
      }
      if (index % 4 === 1) await say('end');
      if (index % 4 === 2) await say('reset');
      truth.nearMiss(index % 2 === 0 ? 'a WebSocket' : 'a CONNECT tunnel');
    }
    await line.leave();
  });
};

/** A client that half-closes and reads on; a server that ends its side behind the answer and reads on. */
export const halves: Scenario = async (truth, ready) => {
  const [patient, early] = [8608, 8609];
  await oddServer(patient);
  await rawServer(early, (socket, _text, pieces) => {
    if (pieces === 1) socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\nhello\n');
  });
  await ready();
  await Promise.all([
    each(6, async (index) => {
      const line = await Line.open(patient);
      if (index % 2 === 0) await line.ask();
      line.socket.end(requestText('/wait/350'));
      await once(line.socket, 'close');
      truth.nearMiss('half-closed by the client, and answered');
    }),
    each(6, async () => {
      const line = await Line.open(early);
      line.socket.write('POST /log HTTP/1.1\r\nHost: service.test\r\nContent-Length: 3000\r\n\r\n');
      for (let sent = 0; sent < 3000; sent += 500) {
        line.socket.write('x'.repeat(500));
        await pause(15);
      }
      await line.leave();
      truth.nearMiss('answered and closed in one direction while the upload goes on, and it is read to its end');
    }),
  ]);
};

/** They are meant to last: events every now and then, and questions that are answered when there is news. */
export const meantToWait: Scenario = async (truth, ready) => {
  const [events, polls, downloads] = [8610, 8611, 8612];
  await serve(events, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
    response.write(': hello\n\n');
    let sent = 0;
    const timer = setInterval(() => {
      sent += 1;
      response.write(`data: ${sent}\n\n`);
      if (sent === 4) {
        clearInterval(timer);
        response.end();
      }
    }, 1700);
    response.on('close', () => clearInterval(timer));
  });
  await serve(polls, (request, response) => {
    if (request.url === '/') response.end('hello\n');
    else {
      setTimeout(() => {
        response.statusCode = 204;
        response.end();
      }, 3000);
    }
  });
  await serve(downloads, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': 40_000 });
    let sent = 0;
    const timer = setInterval(() => {
      sent += 1;
      response.write('x'.repeat(1000));
      if (sent === 40) clearInterval(timer);
    }, 60);
  });
  await ready();
  await Promise.all([
    each(5, async (index) => {
      const line = await Line.open(events);
      const asked = line.ask('/events', { fields: 'Accept: text/event-stream\r\n' });
      if (index < 3) await asked;
      else {
        await pause(4000);
        line.socket.destroy();
      }
      await line.leave();
      truth.nearMiss('an event stream');
    }),
    each(4, async () => {
      const line = await Line.open(polls);
      await line.ask();
      for (let asked = 0; asked < 3; asked += 1) await line.ask('/poll?wait=3');
      await line.leave();
      truth.nearMiss('long polling');
    }),
    each(4, async () => {
      const line = await Line.open(downloads);
      await line.ask('/video');
      await line.leave();
      truth.connection('slow-server', 'a server that hands out its answer at a low rate', line);
    }),
  ]);
};

/** The caller wants no more of an answer, and says so by closing. */
export const cancelled: Scenario = async (truth, ready) => {
  const port = 8613;
  await serve(port, (_request, response) => {
    response.writeHead(200, { 'Content-Length': 900_000 });
    let sent = 0;
    const timer = setInterval(() => {
      response.write('x'.repeat(30_000));
      sent += 30_000;
      if (sent === 900_000) clearInterval(timer);
    }, 20);
    response.on('close', () => clearInterval(timer));
  });
  await ready();
  await each(2, async (index) => {
    const control = new AbortController();
    const startedAtMs = Date.now();
    const outgoing = request({ port, host: '127.0.0.1', path: `/large/${index}`, signal: control.signal });
    outgoing.on('error', () => {});
    outgoing.end();
    const [response] = await once(outgoing, 'response');
    response.on('error', () => {});
    const clientPort = response.socket.localPort as number;
    response.resume();
    await pause(130);
    control.abort();
    truth.connection('response-cut', 'cancelled by the caller (AbortController)', { clientPort, serverPort: port, startedAtMs });
  });
};

/** HTTP/1.0 as old clients speak it, beside one that keeps its connection. */
export const oldClients: Scenario = async (truth, ready) => {
  const [nginx, go] = [8614, 8615];
  await peers.startNginx(nginx, 'keepalive_timeout 3s;');
  await peers.startGo(go, 60_000);
  await ready();
  const old = (path: string): string => `GET ${path} HTTP/1.0\r\nHost: service.test\r\n\r\n`;
  await each(12, async (index) => {
    const line = await Line.open(index % 2 === 0 ? nginx : go);
    await line.send(old(`/${index}`));
    await line.closedByPeer();
    await line.leave();
    truth.nearMiss('HTTP/1.0, closed behind its answer');
  });
  truth.server('reuse-disabled', 'HTTP/1.0 clients', nginx);
  truth.server('reuse-disabled', 'HTTP/1.0 clients', go);
};

/** Uploads in chunks, with extensions and trailers; healthy, cut by the client, and refused in the middle. */
export const chunkedUploads: Scenario = async (truth, ready) => {
  const port = 8616;
  await serve(port, (request, response) => request.on('end', () => response.end('thanks\n')));
  await ready();
  const head = 'POST /upload HTTP/1.1\r\nHost: service.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n';
  await each(9, async (index) => {
    const line = await Line.open(port);
    await line.ask();
    if (index % 3 === 2) {
      line.socket.write(`${head}5\r\nhello\r\n`);
      await pause(40);
      truth.nearMiss('an upload that its client breaks off');
    } else {
      line.socket.write(`${head}5;name="a;b"\r\nhello\r\n`);
      await pause(30);
      await line.send('400\r\n'.concat('y'.repeat(1024), '\r\n0\r\nX-Sum: 1029\r\n\r\n'));
      await line.ask();
      truth.nearMiss('an upload in chunks with a trailer');
    }
    await line.leave();
  });
};
