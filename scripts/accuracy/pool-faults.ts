/** Faults of pools and of waiting, each in several variants, among near misses. */

import { Agent, get } from 'node:http';
import { ask, pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { serve } from '../rule-captures/actors.js';
import { each, far, type Scenario } from './closing-faults.js';
import { Line, requestText } from './line.js';

const local = 'http://127.0.0.1';

/** A new client for each request, or one that asks for the close each time; and one that reuses. */
export const churn: Scenario = async (truth, ready) => {
  const [own, go, asked, reused] = [8201, 8202, 8203, 8204];
  await peers.startNginx(own);
  await peers.startGo(go, 60_000);
  await serve(asked, (_, response) => response.end('hello\n'));
  await serve(reused, (_, response) => response.end('hello\n'));
  await ready();
  for (const port of [own, go]) {
    await each(70, async (index) => {
      const agent = new Agent({ keepAlive: true });
      await ask(agent, `${local}:${port}/item-${index}`);
      agent.destroy();
    });
    truth.server('churn', port === own ? 'an Agent for each request, nginx' : 'an Agent for each request, Go', port);
  }
  const asking = new Agent({ keepAlive: false });
  await each(60, async (index) => void (await ask(asking, `${local}:${asked}/item-${index}`)));
  truth.server('reuse-disabled', 'an Agent without keepAlive', asked);
  const reusing = new Agent({ keepAlive: true, maxSockets: 20 });
  await each(100, async (index) => void (await ask(reusing, `${local}:${reused}/item-${index}`)), 20);
  reusing.destroy();
  truth.nearMiss('twenty connections for a hundred requests');
};

export const tinyPool: Scenario = async (truth, ready) => {
  const [tiny, large, pair] = [8205, 8206, 8207];
  for (const port of [tiny, large, pair]) await peers.startGo(port, 60_000);
  await ready();
  await peers.runGo('pool', `${local}:${tiny}/?ms=15`, '14', '2');
  await peers.runGo('pool', `${local}:${large}/?ms=15`, '14', '8');
  await peers.runGo('pool', `${local}:${pair}/?ms=15`, '10', '1');
  truth.server('tiny-pool', 'Go, MaxIdleConnsPerHost 2', tiny);
  truth.server('tiny-pool', 'Go, MaxIdleConnsPerHost 1', pair);
  truth.nearMiss('bursts through a pool that is large enough');
};

export const unreadBody: Scenario = async (truth, ready) => {
  const [abandoned, stalled, read] = [8208, 8209, 8210];
  await peers.startGo(abandoned, 60_000);
  await peers.startGo(read, 60_000);
  await serve(stalled, (_, response) => response.end(Buffer.alloc(6_000_000)));
  await ready();
  await peers.runGo('unread', `${local}:${abandoned}/large?bytes=12000000`, '12');
  truth.server('unread-body', 'Go closes bodies that it has not read', abandoned);
  truth.everyConnection('response-cut', 'by the client, which does not want the rest', abandoned);
  const agent = new Agent({ keepAlive: true });
  for (let asked = 0; asked < 4; asked += 1) {
    await new Promise((done) => get(`${local}:${stalled}/report`, { agent }, done));
    await pause(400);
  }
  await pause(1200);
  agent.destroy();
  truth.everyConnection('slow-client', 'nobody reads, window closed', stalled);
  truth.everyConnection('response-cut', 'by the client, which does not want the rest', stalled);
  truth.server('unread-body', 'nobody reads, the windows close', stalled);
  await peers.runGo('pool', `${local}:${read}/large`, '3', '8');
  truth.nearMiss('bodies read to their ends');
};

/** A client that leaves its connections idle and opens new ones; and a pool that keeps a burst's connections. */
export const leak: Scenario = async (truth, ready) => {
  const [leaking, pooled] = [8211, 8212];
  await peers.startGo(leaking, 600_000);
  await peers.startGo(pooled, 600_000);
  await ready();
  // Ended behind the recording.
  void peers.runGo('client-each', `${local}:${leaking}/`, '200', '1700');
  truth.server('leak', 'a Go client for each request, none of them closed', leaking);
  const agent = new Agent({ keepAlive: true });
  await Promise.all(Array.from({ length: 8 }, () => ask(agent, `${local}:${pooled}/?ms=20`)));
  for (let asked = 0; asked < 22; asked += 1) {
    await pause(2000);
    await ask(agent, `${local}:${pooled}/`);
  }
  truth.nearMiss('idle connections of a burst, kept for the next');
  agent.destroy();
};

/** The caller repeats what must not be repeated. */
export const hiddenRetry: Scenario = async (truth, ready) => {
  const port = 8213;
  const seen = new Set<string>();
  await serve(port, (request, response) => {
    const again = seen.has(request.url!);
    seen.add(request.url!);
    if (request.method === 'POST' && !again) setTimeout(() => request.socket.destroy(), 30);
    else response.end('done\n');
  });
  await ready();
  await each(16, async (index) => {
    const body = `{"item":${1000 + index}}`;
    const first = await Line.open(port);
    await first.ask(`/hello/${index}`);
    await first.ask(`/orders/${index}`, { method: 'POST', body });
    truth.connection('closed-without-answer', 'the first try of a POST', first);
    await first.leave();
    const second = await Line.open(port);
    const retried = index % 2 === 0;
    await second.ask(`/orders/${index}`, retried ? { method: 'POST', body } : {});
    if (retried) {
      truth.connection('hidden-retry', 'the lost try', first);
      truth.connection('hidden-retry', 'the second try', second);
    } else truth.nearMiss('a lost POST, and a GET that asks for it');
    await second.leave();
  });
};

export const slowServer: Scenario = async (truth, ready) => {
  const port = 8214;
  await peers.startNode(port, 60_000);
  await ready();
  await each(36, async (index) => {
    const line = await Line.open(port);
    await line.ask();
    const slow = index % 3 !== 2;
    const trickles = index % 6 === 0;
    const path = slow ? (trickles ? '/trickle?ms=400' : `/slow?ms=${1200 + 60 * index}`) : `/slow?ms=${200 + 15 * index}`;
    if ((await line.ask(path)) === 'answered') {
      if (slow) truth.connection('slow-server', trickles ? 'the body trickles for 2 s' : 'first byte after 1.2 s and more', line);
      else truth.nearMiss('an answer after 0.2 to 0.8 s');
    }
    await line.leave();
  });
};

export const slowClient: Scenario = async (truth, ready) => {
  const [late, window] = [8215, 8216];
  await serve(late, (request, response) => request.on('end', () => response.end('thanks\n')));
  await peers.startGo(window, 60_000);
  await ready();
  await each(5, () => peers.runGo('slow-reader', `127.0.0.1:${window}`, '1700'));
  truth.everyConnection('slow-client', 'reads nothing for 1.7 s, window closed', window);
  truth.server('reuse-disabled', 'the readers ask for the close', window);
  await each(20, async (index) => {
    const line = await Line.open(late);
    const slow = index % 3 !== 2;
    for (let asked = 0; asked < 2; asked += 1) await line.ask();
    const answered = line.send('POST /form HTTP/1.1\r\nHost: service.test\r\nContent-Length: 10\r\n\r\n');
    await pause(slow ? 1300 + 30 * index : 300);
    line.socket.write('0123456789');
    await answered;
    if (slow) truth.connection('slow-client', 'head at once, body after 1.3 s and more', line);
    else truth.nearMiss('a body 0.3 s behind its head');
    await line.leave();
  });
};

export const clientGaveUp: Scenario = async (truth, ready) => {
  const port = 8217;
  await peers.startNode(port, 60_000);
  await ready();
  await each(18, async (index) => {
    const line = await Line.open(port);
    if (index % 2 === 0) await line.ask();
    if (index % 3 === 2) {
      await line.ask('/slow?ms=700');
      truth.nearMiss('an answer that was waited for');
    } else {
      line.socket.write(requestText('/never'));
      await pause(1150 + 50 * index);
      truth.connection('client-gave-up', 'closed by the client after 1.2 s and more', line);
    }
    if (index % 2 === 0) line.socket.resetAndDestroy();
    else line.socket.destroy();
  });
};

export const framing: Scenario = async (truth, ready) => {
  const port = 8218;
  await serve(port, (request, response) => {
    response.setHeader('Content-Length', 6);
    response.write(request.url === '/long' ? 'hello\n<!-- left over -->' : 'hello\n');
    response.end();
  });
  await ready();
  await each(15, async (index) => {
    const line = await Line.open(port);
    const long = index % 3 !== 2;
    for (let asked = 0; asked < 3; asked += 1) await line.ask(long ? '/long' : '/');
    if (long) truth.connection('framing-desync', 'answers longer than announced', line);
    await line.leave();
  });
};

/** Two small writes, of which the second waits; with and without TCP_NODELAY. */
export const nagle: Scenario = async (truth, ready) => {
  const port = 8219;
  await peers.startGo(port, 60_000);
  await ready();
  await each(
    12,
    async (index) => {
      const line = await Line.open(port);
      const held = index % 2 === 0;
      line.socket.setNoDelay(!held);
      for (let asked = 0; asked < 26; asked += 1) {
        const answered = line.send('POST / HTTP/1.1\r\nHost: service.test\r\nContent-Length: 10\r\n\r\n');
        await new Promise(setImmediate);
        line.socket.write('0123456789');
        await answered;
      }
      if (held) truth.connection('nagle-delayed-ack', 'head and body in two writes', line);
      else truth.nearMiss('two writes with TCP_NODELAY');
      await line.leave();
    },
    3,
  );
};

/** The server closes after 2 s; the client reuses until just before. */
export const timeoutOrder: Scenario = async (truth, ready) => {
  const [near, clear] = [8220, 8221];
  await peers.startGo(near, 2000);
  await peers.startGo(clear, 2000);
  await ready();
  await Promise.all([
    peers.runGo('gaps', `${local}:${near}/`, '1900', '2200', '1930', '2200', '1900', '2200', '1910', '2200'),
    each(4, async () => {
      const line = await Line.open(clear);
      for (const ms of [400, 700, 300]) {
        await line.ask();
        await pause(ms);
      }
      await line.closedByPeer();
      await line.leave();
    }),
  ]);
  truth.server('timeout-order', 'reuse after 1.9 s of 2 s', near);
  truth.server('timeout-inferred', 'idle closes', near);
  truth.server('timeout-inferred', 'idle closes', clear);
  truth.nearMiss('reuse long before the idle timeout', 4);
};

/** On a link of 40 ms, one connection for each request. */
export const handshakeCost: Scenario = async (truth, ready) => {
  const [single, kept] = [8231, 8232];
  await ready();
  await each(20, async (index) => {
    const agent = new Agent({ keepAlive: true });
    await ask(agent, `http://${far}:${single}/${index}`);
    agent.destroy();
  });
  truth.server('handshake-cost', 'an Agent for each request on a link of 40 ms', single);
  truth.server('churn', 'the same', single);
  const agent = new Agent({ keepAlive: true, maxSockets: 2 });
  await each(20, async (index) => void (await ask(agent, `http://${far}:${kept}/${index}`)));
  agent.destroy();
  truth.nearMiss('two kept connections on the same link');
};
