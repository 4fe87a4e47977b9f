/** How the captures for the rules about the network are made to happen. What each shows is told in the manifest. */

import { once } from 'node:events';
import { Agent } from 'node:http';
import { ask, gone, pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { askUndici, get, leave, openSocket, type Play, type Plays, say, serve, undici } from './actors.js';

const farHost = '10.9.0.2';
const far = `http://${farHost}:8080`;
const onLink = { ports: [8080], device: 'holdfast0' };
const minuteMs = 60_000;

/** A Node server behind a link with a round trip of 20 ms. */
const overLink =
  (keepAliveTimeoutMs: number, scenario: (link: Awaited<ReturnType<typeof peers.startLink>>) => Promise<unknown>): Play =>
  async (record) => {
    const link = await peers.startLink(10);
    await link.startNodeBehind(8080, keepAliveTimeoutMs);
    await record(onLink, () => scenario(link));
  };

/** Six minutes of idleness, which is more than a NAT gateway or a balancer remembers. */
const sixMinutesIdle =
  (probeAfterMs: number | null): Play =>
  async (record) => {
    await serve(8080, (_, response) => response.end('hello\n'), { keepAliveTimeoutMs: 10 * minuteMs });
    await record({ ports: [8080] }, async () => {
      const socket = await openSocket(8080);
      if (probeAfterMs !== null) socket.setKeepAlive(true, probeAfterMs);
      await say(socket, get('/first'));
      await pause(6 * minuteMs);
      await say(socket, get('/second'));
      await leave(socket);
    });
  };

export const network: Plays = {
  'silent-drop/fires': overLink(minuteMs, async (link) => {
    const socket = await openSocket(8080, farHost);
    await say(socket, get('/first'));
    await pause(3000);
    await link.drop();
    socket.write(get('/second'));
    await pause(7000);
    socket.destroy();
  }),
  'silent-drop/fires-tls': async (record) => {
    const { certificate, key } = peers.makeCertificate();
    const link = await peers.startLink(10);
    await link.startGoBehind(8443, minuteMs, [certificate, key]);
    await record({ ports: [8443], device: 'holdfast0' }, async () => {
      const client = undici(`https://${farHost}:8443`, { connect: { rejectUnauthorized: false }, keepAliveTimeout: minuteMs });
      await askUndici(client, '/first');
      await pause(3000);
      await link.drop();
      void askUndici(client, '/second');
      await pause(7000);
    });
  },
  'silent-drop/near-miss': overLink(minuteMs, async (link) => {
    // Lost for a moment only: the second try comes through.
    const socket = await openSocket(8080, farHost);
    await say(socket, get('/first'));
    await pause(3000);
    await link.drop();
    socket.write(get('/second'));
    await pause(350);
    await link.pass();
    await once(socket, 'data');
    await leave(socket);
  }),

  'path-lost/fires': overLink(minuteMs, async (link) => {
    const socket = await openSocket(8080, farHost);
    await say(socket, get('/first'));
    await link.drop();
    socket.write(get('/second'));
    await pause(6000);
    socket.destroy();
  }),
  'path-lost/near-miss': overLink(minuteMs, async (link) => {
    const socket = await openSocket(8080, farHost);
    await say(socket, get('/first'));
    await link.drop();
    socket.write(get('/second'));
    await pause(900);
    await link.pass();
    await once(socket, 'data');
    await leave(socket);
  }),

  'forged-reset/fires': overLink(minuteMs, async (link) => {
    const agent = new Agent({ keepAlive: true });
    await ask(agent, `${far}/`);
    await ask(agent, `${far}/`);
    await pause(200);
    const waiting = ask(agent, `${far}/never`);
    await pause(300);
    await link.forgeReset();
    await waiting;
    await pause(200);
  }),
  'forged-reset/near-miss': async (record) => {
    const link = await peers.startLink(10);
    await link.startGoBehind(8080, minuteMs);
    await record(onLink, async () => {
      const socket = await openSocket(8080, farHost);
      await say(socket, get('/'));
      await say(socket, get('/reset'));
      await gone(socket);
    });
  },

  'probes-unanswered/fires': overLink(minuteMs, async (link) => {
    const socket = await openSocket(8080, farHost);
    socket.setKeepAlive(true, 1000);
    await say(socket, get('/'));
    await pause(2500);
    await link.drop();
    await gone(socket);
  }),
  'probes-unanswered/near-miss': overLink(minuteMs, async (link) => {
    // Two probes are lost, the third is answered.
    const socket = await openSocket(8080, farHost);
    socket.setKeepAlive(true, 1000);
    await say(socket, get('/'));
    await pause(1500);
    await link.drop();
    await pause(2000);
    await link.pass();
    await pause(2000);
    await say(socket, get('/second'));
    await leave(socket);
  }),

  'probes-late/fires': sixMinutesIdle(null),
  'probes-late/near-miss': sixMinutesIdle(minuteMs),

  'probes-are-not-reuse/fires': async (record) => {
    await peers.startNginx(80, 'keepalive_timeout 4s;');
    await record({ ports: [80] }, async () => {
      const socket = await openSocket(80);
      socket.setKeepAlive(true, 1000);
      await say(socket, get('/'));
      await once(socket, 'end');
      await leave(socket);
    });
  },
  'probes-are-not-reuse/near-miss': async (record) => {
    await peers.startNginx(80, 'keepalive_timeout 4s;');
    await record({ ports: [80] }, async () => {
      const socket = await openSocket(80);
      socket.setKeepAlive(true, 1000);
      for (const path of ['/first', '/second']) {
        await say(socket, get(path));
        await pause(3300);
      }
      await leave(socket);
    });
  },

  'refused/fires': async (record) => {
    await record({ ports: [8080] }, async () => {
      for (let i = 0; i < 3; i += 1) await peers.run('curl', '-s', 'http://127.0.0.1:8080/');
    });
  },
  'refused/near-miss': async (record) => {
    // The server resets a connection that it had accepted.
    await peers.startGo(8080, minuteMs);
    await record({ ports: [8080] }, async () => {
      const socket = await openSocket(8080);
      await say(socket, get('/reset'));
      await gone(socket);
    });
  },

  'no-answer/fires': overLink(minuteMs, async (link) => {
    await link.drop();
    await peers.run('curl', '-s', '--connect-timeout', '8', `${far}/`);
  }),
  'no-answer/near-miss': overLink(minuteMs, async (link) => {
    await link.drop();
    const asking = peers.run('curl', '-s', '--connect-timeout', '8', `${far}/`);
    await pause(600);
    await link.pass();
    await asking;
  }),

  'lost-opening/fires': overLink(minuteMs, async (link) => {
    const agent = new Agent({ keepAlive: true });
    await link.drop();
    const asking = ask(agent, `${far}/`);
    await pause(500);
    await link.pass();
    await asking;
    agent.destroy();
  }),
  'lost-opening/near-miss': async (record) => {
    // A long way, longer than a second there and back would be an opening repeated.
    const link = await peers.startLink(400);
    await link.startNodeBehind(8080, minuteMs);
    await record(onLink, async () => {
      await peers.run('curl', '-s', `${far}/`);
      await pause(1000);
    });
  },
};
