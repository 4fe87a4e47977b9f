/** How the captures for the rules about slowness are made to happen. What each shows is told in the manifest. */

import { Agent } from 'node:http';
import { ask, pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { get, leave, openSocket, type Play, type Plays, say, serve } from './actors.js';

const local = 'http://127.0.0.1:8080';
const farHost = '10.9.0.2';
const far = `http://${farHost}:8080`;
const onLink = { ports: [8080], device: 'holdfast0' };

const nodeAsked =
  (...paths: string[]): Play =>
  async (record) => {
    await peers.startNode(8080, 60_000);
    await record({ ports: [8080] }, async () => {
      const agent = new Agent({ keepAlive: true });
      for (const path of paths) await ask(agent, `${local}${path}`);
      agent.destroy();
    });
  };

/** A head and a body in two small writes, again and again on one connection. */
const twoWrites =
  (noDelay: boolean): Play =>
  async (record) => {
    await peers.startGo(8080, 60_000);
    await record({ ports: [8080] }, async () => {
      const socket = await openSocket(8080);
      socket.setNoDelay(noDelay);
      for (let i = 0; i < 30; i += 1) {
        socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n\r\n');
        // The second write is a system call of its own, as with a head and a body written by different layers.
        await new Promise(setImmediate);
        await say(socket, '{"item":4711}');
        await pause(5);
      }
      await leave(socket);
    });
  };

/** A response of many packets, twice on a warm connection and once more after a pause; the sender's setting decides. */
const afterAPause =
  (slowStartAfterIdle: '0' | '1'): Play =>
  async (record) => {
    const link = await peers.startLink(30);
    await link.set('net.ipv4.tcp_congestion_control', 'reno');
    await link.set('net.ipv4.tcp_slow_start_after_idle', slowStartAfterIdle);
    await link.startGoBehind(8080, 60_000);
    await record(onLink, async () => {
      const agent = new Agent({ keepAlive: true });
      for (let i = 0; i < 4; i += 1) await ask(agent, `${far}/large?bytes=100000`);
      await pause(2000);
      for (let i = 0; i < 2; i += 1) await ask(agent, `${far}/large?bytes=100000`);
      agent.destroy();
      await pause(200);
    });
  };

const overLink =
  (oneWayMs: number, scenario: (link: Awaited<ReturnType<typeof peers.startLink>>) => Promise<unknown>): Play =>
  async (record) => {
    const link = await peers.startLink(oneWayMs);
    await link.startGoBehind(8080, 60_000);
    await record(onLink, async () => {
      await scenario(link);
      await pause(6 * oneWayMs);
    });
  };

const overhead =
  (extra: string): Play =>
  async (record) => {
    // Node sends what it is told, also when it is longer than announced.
    await serve(8080, (_, response) => {
      response.setHeader('Content-Length', 6);
      response.write(`hello\n${extra}`);
      response.end();
    });
    await record({ ports: [8080] }, async () => {
      const socket = await openSocket(8080);
      for (const path of ['/one', '/two', '/three']) {
        await say(socket, get(path));
        await pause(50);
      }
      await leave(socket);
    });
  };

export const waiting: Plays = {
  'slow-server/fires': nodeAsked('/', '/slow?ms=1800', '/'),
  'slow-server/near-miss': nodeAsked('/', '/slow?ms=300', '/slow?ms=400', '/'),

  'slow-network/fires': overLink(20, async (link) => {
    const agent = new Agent({ keepAlive: true });
    for (let i = 0; i < 3; i += 1) {
      await ask(agent, `${far}/`);
      await link.drop();
      const asking = ask(agent, `${far}/`);
      await pause(500);
      await link.pass();
      await asking;
    }
    agent.destroy();
  }),
  'slow-network/fires-thin-line': overLink(20, async (link) => {
    link.limit('500kbit');
    const agent = new Agent({ keepAlive: true });
    await ask(agent, `${far}/`);
    await ask(agent, `${far}/large?bytes=90000`);
    agent.destroy();
  }),
  'slow-network/near-miss': overLink(150, async () => {
    // Far away, but nothing is lost.
    const agent = new Agent({ keepAlive: true });
    for (let i = 0; i < 4; i += 1) await ask(agent, `${far}/`);
    agent.destroy();
  }),

  'slow-client/fires': async (record) => {
    await peers.startGo(8080, 60_000);
    await record({ ports: [8080] }, () => peers.runGo('slow-reader', '127.0.0.1:8080', '1800'));
  },
  'slow-client/near-miss': async (record) => {
    await peers.startGo(8080, 60_000);
    await record({ ports: [8080] }, () => peers.runGo('slow-reader', '127.0.0.1:8080', '0'));
  },

  'nagle-delayed-ack/fires': twoWrites(false),
  'nagle-delayed-ack/near-miss': twoWrites(true),

  'slow-start-after-idle/fires': afterAPause('1'),
  'slow-start-after-idle/near-miss': afterAPause('0'),

  'handshake-cost/fires': overLink(40, async () => {
    for (let i = 0; i < 12; i += 1) await peers.run('curl', '-s', `${far}/`);
  }),
  'handshake-cost/near-miss': overLink(40, async () => {
    await peers.run('curl', '-s', ...Array.from({ length: 12 }, () => `${far}/`));
  }),

  'framing-desync/fires': overhead('<!-- a comment behind the end -->\n'),
  'framing-desync/near-miss': overhead(''),
};
