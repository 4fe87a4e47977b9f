/** How the captures for the rules about pools are made to happen. What each shows is told in the manifest. */

import { Agent, get } from 'node:http';
import { ask, pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { askUndici, type Play, type Plays, python, serve, undici } from './actors.js';

const local = 'http://127.0.0.1';

const withGo =
  (...client: string[]): Play =>
  async (record) => {
    await peers.startGo(8080, 60_000);
    await record({ ports: [8080] }, () => peers.runGo(...client));
  };

/** A service with two addresses, of which the second is new. A client that keeps its connections for ever hardly sees it. */
const twoAddresses =
  (shareOfNew: 'hardly' | 'half'): Play =>
  async (record) => {
    await peers.startNginx(80, 'keepalive_requests 1000;');
    await record({ ports: [80] }, async () => {
      const agent = new Agent({ keepAlive: true });
      for (let i = 0; i < 140; i += 1) {
        const onNew = i >= 10 && (shareOfNew === 'half' ? i % 2 === 0 : i === 10);
        await ask(agent, `http://${onNew ? '127.0.0.3' : '127.0.0.2'}/`, 'GET', undefined, 'service.test');
        await pause(100);
      }
      agent.destroy();
    });
  };

/** A server that hangs up on its first POST. */
const hangsUpOnPost =
  (client: () => Promise<void>): Play =>
  async (record) => {
    let hungUp = false;
    await serve(8080, (request, response) => {
      if (request.method !== 'POST' || hungUp) {
        response.end('done\n');
        return;
      }
      hungUp = true;
      request.on('end', () => setTimeout(() => request.socket.destroy(), 60));
    });
    await record({ ports: [8080] }, client);
  };

export const pools: Plays = {
  'churn/fires': async (record) => {
    await peers.startNginx(80);
    await record({ ports: [80] }, async () => {
      for (let i = 0; i < 40; i += 1) {
        const agent = new Agent({ keepAlive: true });
        await ask(agent, `${local}/item-${i}`);
        agent.destroy();
        await pause(10);
      }
    });
  },
  'churn/near-miss': async (record) => {
    await peers.startNginx(80);
    await record({ ports: [80] }, async () => {
      const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true }));
      for (let i = 0; i < 40; i += 1) await ask(agents[i % 8]!, `${local}/item-${i}`);
      for (const agent of agents) agent.destroy();
    });
  },

  'tiny-pool/fires': withGo('pool', `${local}:8080/?ms=20`, '6', '2'),
  'tiny-pool/near-miss': withGo('pool', `${local}:8080/?ms=20`, '6', '8'),

  'unread-body/fires': withGo('unread', `${local}:8080/large`, '12'),
  'unread-body/near-miss': withGo('pool', `${local}:8080/large`, '2', '8'),

  'unread-body/fires-stalled': async (record) => {
    // The program looks at the status only, and the agent waits for ever.
    await serve(8080, (_, response) => response.end(Buffer.alloc(400_000)));
    await record({ ports: [8080] }, async () => {
      const agent = new Agent({ keepAlive: true });
      const unread = [];
      for (let i = 0; i < 4; i += 1) {
        unread.push(await new Promise((done) => get(`${local}:8080/report`, { agent }, done)));
        await pause(300);
      }
      agent.destroy();
    });
  },

  'leak/fires': async (record) => {
    await peers.startGo(8080, 120_000);
    await record({ ports: [8080] }, async () => {
      // Ended behind the recording.
      void peers.runGo('client-each', `${local}:8080/`, '100', '1500');
      await pause(44_000);
    });
  },
  'leak/near-miss': async (record) => {
    // Eight connections of a burst that nobody has needed since.
    await peers.startGo(8080, 120_000);
    await record({ ports: [8080] }, async () => {
      const agent = new Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 120_000 });
      for (let round = 0; round < 3; round += 1) {
        await Promise.all(Array.from({ length: 8 }, () => ask(agent, `${local}:8080/?ms=20`)));
      }
      for (let i = 0; i < 17; i += 1) {
        await pause(2000);
        await ask(agent, `${local}:8080/`);
      }
    });
  },

  'pinned-load/fires': twoAddresses('hardly'),
  'pinned-load/near-miss': twoAddresses('half'),

  // curl repeats any request that got no byte on a connection that was used before.
  'hidden-retry/fires': hangsUpOnPost(() =>
    peers.run('curl', '-s', `${local}:8080/`, '--next', '-s', '-d', '{"item":4711}', `${local}:8080/orders`),
  ),
  'hidden-retry/near-miss': hangsUpOnPost(() =>
    python('127.0.0.1:8080', 'get("/")', 'get("/orders/1", "POST", "{}")', 'c.close()', 'get("/orders/1")', 'c.close()'),
  ),

  'reuse-works/fires': async (record) => {
    await peers.startNginx(80);
    const urls = Array.from({ length: 8 }, (_, i) => `${local}/${i}`);
    await record({ ports: [80] }, () => peers.run('curl', '-s', ...urls));
  },
  'reuse-works/near-miss': async (record) => {
    await peers.startNginx(80);
    await record({ ports: [80] }, async () => {
      for (let i = 0; i < 8; i += 1) await peers.run('curl', '-s', `${local}/${i}`);
    });
  },

  'timeouts-in-order/fires': async (record) => {
    // The server announces 5 s, and undici keeps 2 s away from that.
    await serve(8080, (_, response) => response.end('hello\n'), { keepAliveTimeoutMs: 5000 });
    await record({ ports: [8080] }, async () => {
      const client = undici(`${local}:8080`);
      for (let i = 0; i < 3; i += 1) {
        await askUndici(client, '/');
        await pause(4500);
      }
    });
  },
  'timeouts-in-order/near-miss': async (record) => {
    // The server closes first.
    await peers.startGo(8080, 1000);
    await record({ ports: [8080] }, async () => {
      const client = undici(`${local}:8080`);
      for (let i = 0; i < 3; i += 1) {
        await askUndici(client, '/');
        await pause(1300);
      }
    });
  },
};
