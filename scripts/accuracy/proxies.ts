/** Proxies whose timers stand in the right and in the wrong order to those beside them, and servers that are stopped with care. */

import { pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { each, type Scenario } from './closing-faults.js';
import { Line } from './line.js';
import { oddServer } from './odd-server.js';

/** The proxy lets its idle connections go before the server does. */
export const impatientProxies: Scenario = async (truth, ready) => {
  const [nginx, behindNginx, haproxy, behindHaproxy] = [8640, 8641, 8642, 8643];
  await oddServer(behindNginx);
  await oddServer(behindHaproxy);
  await peers.startNginx(
    nginx,
    'keepalive_timeout 20s; location /app { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }',
    `${nginx}`,
    `upstream behind { server 127.0.0.1:${behindNginx}; keepalive 8; keepalive_timeout 1s; }`,
  );
  await peers.startHaproxy(haproxy, behindHaproxy, '20s');
  await ready();
  await each(12, async (index) => {
    const line = await Line.open(index % 2 === 0 ? nginx : haproxy);
    for (let asked = 0; asked < 4; asked += 1) {
      await line.ask(`/app/${asked}`);
      await pause([30, 1300, 200, 10][asked]!);
    }
    await line.leave();
    truth.nearMiss('a proxy that closes before its server does');
  });
};

/** The server behind closes first; the proxy notices, and nothing is lost. */
export const impatientServers: Scenario = async (truth, ready) => {
  const [nginx, behind] = [8644, 8645];
  await oddServer(behind, { idleMs: 900 });
  await peers.startNginx(
    nginx,
    'keepalive_timeout 20s; location /app { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }',
    `${nginx}`,
    `upstream behind { server 127.0.0.1:${behind}; keepalive 8; keepalive_timeout 60s; }`,
  );
  await ready();
  await each(8, async () => {
    const line = await Line.open(nginx);
    for (let asked = 0; asked < 4; asked += 1) {
      await line.ask(`/app/${asked}`);
      await pause([30, 1300, 200, 1200][asked]!);
    }
    await line.leave();
    truth.nearMiss('a server that closes before the proxy in front of it, unused');
  });
  truth.server('timeout-inferred', 'a server behind nginx', behind);
};

/** Stopped with care: what runs is answered, what is idle is closed, and nothing is lost. */
export const carefulStops: Scenario = async (truth, ready) => {
  const [go, node] = [8646, 8647];
  const servers = [await peers.startGo(go, 60_000, 'graceful'), await peers.startScript(node, 'accuracy/graceful-server.js')];
  await ready();
  for (const [place, port] of [go, node].entries()) {
    const idle = await Promise.all(Array.from({ length: 8 }, () => Line.open(port)));
    for (const line of idle) {
      await line.ask();
      await pause(220);
    }
    const busy = await Promise.all(Array.from({ length: 3 }, () => Line.open(port)));
    const answered = busy.map((line) => line.ask('/?ms=700'));
    await pause(250);
    const stopped = servers[place]!.stop('SIGTERM');
    for (const line of idle) await line.closedByPeer();
    truth.nearMiss('a request that is answered by a server being stopped', 3);
    await Promise.all(answered);
    for (const line of [...idle, ...busy]) await line.leave();
    await stopped;
    truth.server('deploy-burst', place === 0 ? 'Go, Shutdown' : 'Node, close', port);
  }
};
