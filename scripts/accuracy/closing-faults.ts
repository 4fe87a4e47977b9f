/** Faults of closing, each in several variants, among near misses. Truth is what the client saw and did, never what packets say. */

import type { ServerResponse } from 'node:http';
import { pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { serve } from '../rule-captures/actors.js';
import { Line, type LineOptions, type Outcome, requestText } from './line.js';
import type { Truth } from './truth.js';

export const far = '10.9.0.2';

/** Starts its servers, waits until all scenarios have, and goes on when the recording runs. */
export type Scenario = (truth: Truth, ready: () => Promise<void>) => Promise<void>;

const times = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Runs `one` for 0 … count − 1, a few at once. */
export async function each(count: number, one: (index: number) => Promise<void>, atOnce = 8): Promise<void> {
  let next = 0;
  await Promise.all(
    times(Math.min(atOnce, count)).map(async () => {
      for (let index = next++; index < count; index = next++) await one(index);
    }),
  );
}

/** Two to four requests with pauses, as on a connection in use. */
async function someRequests(line: Line, index: number): Promise<Outcome> {
  let outcome = await line.ask('/', usual);
  for (let asked = 0; asked <= index % 3 && outcome === 'answered'; asked += 1) {
    await pause(30 + 25 * (index % 5));
    outcome = await line.ask('/', usual);
  }
  return outcome;
}

/** Requests, silence, the server closes, and the client closes too: as it should be. */
async function idleOut(port: number, count: number, options: LineOptions = {}): Promise<void> {
  await each(count, async (index) => {
    const line = await Line.open(port, options);
    if ((await someRequests(line, index)) === 'answered') await line.closedByPeer();
    await line.leave();
  });
}

/** Fields that every client sends. */
const usual = { fields: 'User-Agent: line/1.0\r\nAccept: */*\r\n' };

/**
 * The link has a round trip of 40 ms. A request that leaves in the last 40 ms of the server's patience, as the client counts it,
 * crosses the close; one that leaves earlier is answered.
 */
export const staleReuseOverLink =
  (port: number, patienceMs: number, encrypted = false): Scenario =>
  async (truth, ready) => {
    await ready();
    const rule = encrypted ? 'tls-stale-reuse' : 'stale-reuse';
    const idle = idleOut(port, 4, { host: far, encrypted });
    await each(
      26,
      async (index) => {
        const line = await Line.open(port, { host: far, encrypted });
        if ((await line.ask(`/first/${index}`, usual)) !== 'answered') return;
        const answeredAt = performance.now();
        const early = index % 4 === 3;
        await pause(patienceMs - (early ? 250 : 22) - (performance.now() - answeredAt));
        if (line.over) {
          await line.leave();
          return;
        }
        const post = { method: 'POST', body: `{"order":"${port}-${index}"}` };
        const outcome = await line.ask(`/orders/${port}/${index}`, index % 2 === 0 ? { ...usual, ...post } : usual);
        if (outcome === 'lost') truth.connection(rule, 'request and FIN cross on a link', line);
        else truth.nearMiss('reuse shortly before the idle timeout, answered');
        await line.leave();
      },
      13,
    );
    await idle;
    truth.server('timeout-inferred', 'idle closes over a link', port);
  };

/** A server program too busy to read: its idle timer runs out with the request in the kernel, unread, and the answer is a reset. */
export const staleReuseBusyServer =
  (port: number, busyMs: number): Scenario =>
  async (truth, ready) => {
    // Node closes a second behind its keepAliveTimeout. It is busy from before that until a little behind it.
    const patienceMs = 2000;
    const behindMs = 30;
    await peers.startScript(port, 'accuracy/busy-server.js', patienceMs - 1000, patienceMs + behindMs - busyMs, busyMs);
    await ready();
    const idle = idleOut(port, 4);
    let late = 0;
    await each(
      20,
      async (index) => {
        const line = await Line.open(port);
        if ((await line.ask(`/busy/${index}`)) !== 'answered') return;
        await pause(patienceMs + behindMs - busyMs + 12);
        if (line.over) {
          await line.leave();
          return;
        }
        const outcome = await line.ask(`/orders/${port}/${index}`);
        if (outcome === 'lost') truth.connection('stale-reuse', `reset by a server that was busy for ${busyMs} ms`, line);
        else {
          truth.nearMiss('reuse shortly before the idle timeout, answered');
          late += 1;
        }
        await line.leave();
      },
      1,
    );
    await idle;
    if (late > 0) truth.server('timeout-order', 'answered requests a moment before the idle timeout', port);
    truth.server('timeout-inferred', 'idle closes', port);
  };

/** The client has been told of the close, and sends all the same. */
export const reuseAfterFin =
  (port: number, server: string): Scenario =>
  async (truth, ready) => {
    await ready();
    await each(18, async (index) => {
      const line = await Line.open(port);
      await someRequests(line, index);
      await line.closedByPeer();
      await pause([3, 40, 400][index % 3]!);
      if (index % 6 === 5) truth.nearMiss('closed by both sides, then a new connection');
      else {
        truth.connection('reuse-after-fin', `request 3 to 400 ms behind the FIN (${server})`, line);
        await line.ask(`/again/${index}`);
      }
      await line.leave();
    });
    truth.server('timeout-inferred', 'idle closes', port);
  };

const promised = (response: ServerResponse) => response.writeHead(200, { 'Content-Length': 5000 }).write('x'.repeat(1200));

export const responseCut: Scenario = async (truth, ready) => {
  const port = 8101;
  await serve(port, (request, response) => {
    switch (request.url) {
      case '/length':
        promised(response);
        setTimeout(() => response.socket?.end(), 30);
        return;
      case '/chunked':
        response.write('a chunk without an end\n');
        setTimeout(() => response.socket?.end(), 30);
        return;
      case '/reset':
        promised(response);
        setTimeout(() => response.socket?.resetAndDestroy(), 30);
        return;
      case '/until-close':
        response.useChunkedEncodingByDefault = false;
        response.removeHeader('Transfer-Encoding');
        response.writeHead(200, { Connection: 'close' });
        response.write('as long as it takes\n');
        setTimeout(() => response.end('and over\n'), 20);
        return;
      default:
        response.end('hello\n');
    }
  });
  await ready();
  const variants = ['/length', '/chunked', '/reset', '/until-close', '/head'];
  await each(40, async (index) => {
    const line = await Line.open(port);
    await line.ask();
    const variant = variants[index % variants.length]!;
    if (variant === '/head') {
      // A length without a body: RFC 9110 §9.3.2.
      line.socket.write(requestText('/', { method: 'HEAD' }));
      await pause(30);
      truth.nearMiss('HEAD with a Content-Length');
    } else {
      await line.ask(variant);
      if (variant === '/until-close') truth.nearMiss('an answer that ends with its connection');
      else truth.connection('response-cut', `the answer breaks off (${variant.slice(1)})`, line);
    }
    await line.leave();
  });
};

/** 413 at the head; the socket is destroyed with most of the body unread. */
export const responseLostToReset: Scenario = async (truth, ready) => {
  const [careless, patient] = [8102, 8103];
  await serve(
    careless,
    (request, response) => {
      if (request.method === 'GET') {
        response.end('hello\n');
        return;
      }
      response.writeHead(413, { Connection: 'close' });
      response.end('too large\n');
    },
    { bodiesUnread: true },
  );
  await peers.startNginx(patient, 'client_max_body_size 1k;');
  await ready();
  await each(18, async (index) => {
    const port = index % 3 === 2 ? patient : careless;
    const line = await Line.open(port);
    await someRequests(line, index);
    line.socket.write('POST /upload HTTP/1.1\r\nHost: service.test\r\nContent-Length: 60000\r\n\r\n');
    for (let sent = 0; sent < 60_000 && !line.socket.destroyed; sent += 3000) {
      line.socket.write('x'.repeat(3000));
      await pause(4);
    }
    await pause(30);
    if (port === careless) truth.connection('response-lost-to-reset', '413, then a reset while the upload comes', line);
    else truth.nearMiss('413, and the rest of the upload is read');
    await line.leave();
  });
};

/** Killed with requests waiting; afterwards nobody listens. */
export const serverDied =
  (port: number, kind: 'Node' | 'Go', signal: NodeJS.Signals): Scenario =>
  async (truth, ready) => {
    const server = kind === 'Node' ? await peers.startNode(port, 60_000) : await peers.startGo(port, 60_000);
    await ready();
    const lines = await Promise.all(times(6).map(() => Line.open(port)));
    await Promise.all(lines.map((line) => line.ask()));
    const waiting = lines.slice(0, 5).map((line) => line.ask(kind === 'Node' ? '/never' : '/?ms=30000'));
    await pause(350);
    await server.stop(signal);
    await Promise.all(waiting);
    for (const line of lines.slice(0, 5))
      truth.connection('server-died', `${kind} killed by ${signal} while requests wait`, line);
    truth.nearMiss('an idle connection of a server that dies');
    for (const line of lines) await line.leave();
    await refusals(truth, port, 3, 'a server that died');
  };

async function refusals(truth: Truth, port: number, count: number, what: string): Promise<void> {
  const { Socket } = await import('node:net');
  for (const _ of times(count)) {
    const socket = new Socket();
    const startedAtMs = Date.now();
    // The port is chosen by the system and forgotten with the refusal, so it is chosen here.
    refusalPort += 1;
    const clientPort = refusalPort;
    await new Promise<void>((done) => {
      socket.once('error', () => done());
      socket.connect({ port, host: '127.0.0.1', localPort: clientPort });
    });
    truth.connection('refused', what, { clientPort, serverPort: port, startedAtMs });
    await pause(20);
  }
}
let refusalPort = 20_000;

export const refusedPort: Scenario = async (truth, ready) => {
  await ready();
  await refusals(truth, 8110, 12, 'nobody listens');
};

/** The server lives on; one request after the other gets the end of its connection instead of an answer. */
export const closedWithoutAnswer: Scenario = async (truth, ready) => {
  const port = 8111;
  await serve(port, (request, response) => {
    if (request.url === '/throws') setTimeout(() => request.socket.destroy(), 5 + Math.random() * 120);
    else if (request.url === '/resets') setTimeout(() => request.socket.resetAndDestroy(), 5 + Math.random() * 120);
    else response.end('hello\n');
  });
  await ready();
  await each(24, async (index) => {
    const line = await Line.open(port);
    if (index % 2 === 0) await line.ask();
    const path = ['/throws', '/resets', '/'][index % 3]!;
    const outcome = await line.ask(path);
    if (outcome === 'lost') truth.connection('closed-without-answer', `a handler that ${path.slice(1)}`, line);
    await line.leave();
  });
};

export const maxRequests: Scenario = async (truth, ready) => {
  const [announced, silent, none] = [8112, 8113, 8114];
  await peers.startNginx(announced, 'keepalive_requests 5;');
  const counts = new WeakMap<object, number>();
  await serve(silent, (request, response) => {
    const count = (counts.get(request.socket) ?? 0) + 1;
    counts.set(request.socket, count);
    response.end('hello\n', () => count === 4 && request.socket.end());
  });
  await peers.startNginx(none);
  await ready();
  for (const port of [announced, silent, none]) {
    await each(10, async (index) => {
      const line = await Line.open(port);
      for (let asked = 0; asked < (port === none ? 3 + (index % 4) : 9) && !line.over; asked += 1) {
        await line.ask();
        // The announced or silent close comes at once; a client with eyes waits for it.
        await pause(15);
      }
      await line.leave();
    });
  }
  truth.server('max-requests', 'announced with Connection: close', announced);
  truth.server('max-requests', 'unannounced', silent);
  truth.nearMiss('closed by the client after a few requests', 10);
};

export const hints: Scenario = async (truth, ready) => {
  const [broken, kept, ignored] = [8115, 8116, 8117];
  await peers.startNginx(broken, 'keepalive_timeout 1s 5;');
  await peers.startNginx(kept, 'keepalive_timeout 2s 2;');
  await peers.startNginx(ignored, 'keepalive_timeout 20s 1;');
  await ready();
  await Promise.all([
    each(16, async (index) => {
      const line = await Line.open(broken);
      await someRequests(line, index);
      await line.closedByPeer();
      truth.connection('hint-broken', 'announces 5 s, closes after 1 s', line);
      await line.leave();
    }),
    each(16, async (index) => {
      const line = await Line.open(kept);
      await someRequests(line, index);
      await line.closedByPeer();
      truth.nearMiss('closed at the time that was announced');
      await line.leave();
    }),
    each(20, async (index) => {
      const line = await Line.open(ignored);
      await someRequests(line, index);
      const late = index % 4 !== 3;
      await pause(late ? 1300 + 80 * index : 850);
      await line.ask();
      if (late) truth.connection('hint-ignored', 'reused after 1.3 to 2.8 s, announced was 1 s', line);
      else truth.nearMiss('reused within the time that was announced');
      await line.leave();
    }),
  ]);
  truth.server('timeout-inferred', 'idle closes', broken);
  truth.server('timeout-inferred', 'idle closes', kept);
};

export const pipelines: Scenario = async (truth, ready) => {
  const port = 8118;
  await peers.startNginx(port, 'keepalive_requests 4;');
  await ready();
  await each(24, async (index) => {
    const line = await Line.open(port);
    const dropped = index % 3 !== 2;
    if (index % 2 === 0) await line.ask();
    const room = index % 2 === 0 ? 3 : 4;
    line.socket.write(
      times(dropped ? room + 1 + (index % 4) : room)
        .map((n) => requestText(`/${n}`))
        .join(''),
    );
    await line.closedByPeer();
    if (dropped) truth.connection('pipeline-tail-dropped', 'one to four requests behind the maximum', line);
    else truth.nearMiss('a pipeline that is answered to its end');
    await line.leave();
  });
  truth.server('max-requests', 'announced, with pipelines', port);
};

/** Never closed by the client, whatever the server does. */
export const halfOpen: Scenario = async (truth, ready) => {
  const port = 8119;
  await peers.startNginx(port, 'keepalive_timeout 1s;');
  await ready();
  await each(20, async (index) => {
    const line = await Line.open(port);
    await someRequests(line, index);
    await line.closedByPeer();
    if (index % 4 === 3) {
      await pause(500);
      await line.leave();
      truth.nearMiss('closed half a second behind the FIN');
    } else truth.connection('half-open', 'the client stays in CLOSE_WAIT', line);
  });
  truth.server('timeout-inferred', 'idle closes', port);
};

export const cutWhileWaiting: Scenario = async (truth, ready) => {
  const [proxy, behind, node] = [8120, 8121, 8122];
  await peers.startNode(behind, 60_000);
  await peers.startHaproxy(proxy, behind, '1s', 'tcp');
  await serve(node, (request, response) => {
    request.socket.setTimeout(1500, () => request.socket.destroy());
    if (request.url !== '/never') response.end('hello\n');
  });
  await ready();
  await each(24, async (index) => {
    const port = index % 2 === 0 ? proxy : node;
    const line = await Line.open(port);
    await line.ask();
    const outcome = await line.ask(index % 6 > 3 ? '/' : '/never');
    if (outcome === 'lost') {
      truth.connection(
        'cut-while-waiting',
        port === proxy ? 'a proxy of connections, 1 s' : 'Node, socket.setTimeout, 1.5 s',
        line,
      );
    } else truth.nearMiss('answered before the proxy lost patience');
    await line.leave();
  });
};

export const unusedConnections: Scenario = async (truth, ready) => {
  const port = 8123;
  await peers.startNginx(port, 'client_header_timeout 2s;');
  await ready();
  await each(30, async (index) => {
    const line = await Line.open(port);
    if (index % 3 === 0) await line.closedByPeer();
    else await pause(400);
    if (index % 3 === 2) {
      await someRequests(line, index);
      truth.nearMiss('opened early, used later');
    } else truth.connection('unused-connection', index % 3 === 0 ? 'closed by the server' : 'closed by the client', line);
    await line.leave();
  });
};

/** nginx -s quit closes its idle connections. */
export const deployBurst: Scenario = async (truth, ready) => {
  const port = 8124;
  const nginx = await peers.startNginx(port);
  await ready();
  const lines: Line[] = [];
  for (const index of times(24)) {
    const line = await Line.open(port);
    for (let asked = 0; asked <= index % 3; asked += 1) await line.ask();
    lines.push(line);
    await pause(60 + 20 * (index % 3));
  }
  await nginx.stop('SIGQUIT');
  await Promise.all(
    lines.map(async (line) => {
      await line.closedByPeer();
      await line.leave();
    }),
  );
  truth.server('deploy-burst', 'nginx -s quit', port);
};

export const requestsAfterClose: Scenario = async (truth, ready) => {
  const port = 8130;
  await ready();
  await each(10, async (index) => {
    const line = await Line.open(port, { host: far });
    await line.ask('/', { fields: 'Connection: close\r\n' });
    if (index % 5 === 4) truth.nearMiss('closed as announced');
    else {
      truth.connection('request-after-close', 'another request at once behind the announcement', line);
      line.socket.write(requestText('/more'));
      await pause(300);
    }
    await line.leave();
  });
};

/** The server ends each connection at the age of two seconds. */
export const ageLimit: Scenario = async (truth, ready) => {
  const port = 8125;
  await serve(port, (_, response) => response.end('hello\n'), {
    onConnection: (socket) => void setTimeout(() => socket.end(), 2000),
  });
  await ready();
  await each(
    12,
    async (index) => {
      await pause(170 * index);
      const line = await Line.open(port);
      while (!line.over) {
        await line.ask();
        await pause(90 + 35 * index);
      }
      truth.connection('hint-broken', 'announces 60 s idle, closes at the age of 2 s', line);
      await line.leave();
    },
    12,
  );
  truth.server('age-limit', 'two seconds', port);
};
