/**
 * Healthy traffic of many kinds, on servers of its own and on those where faults happen: whatever bad is found here is wrong. All of
 * it reuses connections, closes when it is done, and waits for answers.
 */

import { Agent } from 'node:http';
import { Client } from 'undici';
import { ask, pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { serve } from '../rule-captures/actors.js';
import { each, type Scenario } from './closing-faults.js';
import { Line } from './line.js';

const ports = {
  nginx: 8301,
  apache: 8302,
  node: 8303,
  go: 8304,
  haproxy: 8305,
  behind: 8306,
  nodeHints: 8307,
  go2: 8308,
} as const;
const fronts = [ports.nginx, ports.apache, ports.node, ports.go, ports.haproxy, ports.nodeHints, ports.go2];

export async function startHealthyServers(): Promise<void> {
  await peers.startNginx(ports.nginx);
  await peers.startApache(ports.apache);
  await peers.startNode(ports.node, 60_000);
  await peers.startGo(ports.go, 60_000);
  await peers.startGo(ports.go2, 60_000);
  await peers.startNode(ports.behind, 60_000);
  await peers.startHaproxy(ports.haproxy, ports.behind, '5s');
  await serve(ports.nodeHints, (_, response) => response.end('hello\n'), { keepAliveTimeoutMs: 30_000 });
}

/** Each connection carries three to eight requests with pauses between them. */
export const keptConnections =
  (count: number): Scenario =>
  async (truth, ready) => {
    await ready();
    await each(
      count,
      async (index) => {
        const port = fronts[index % fronts.length]!;
        const from = `127.0.2.${1 + (index % 24)}`;
        const requests = 3 + (index % 6);
        const kind = index % 4;
        if (kind === 0) {
          const agent = new Agent({ keepAlive: true, maxSockets: 1, localAddress: from } as ConstructorParameters<
            typeof Agent
          >[0]);
          for (let asked = 0; asked < requests; asked += 1) {
            await ask(agent, `http://127.0.0.1:${port}/?n=${asked}`);
            await pause((index * 7) % 40);
          }
          agent.destroy();
        } else if (kind === 1) {
          const client = new Client(`http://127.0.0.1:${port}`, { connect: { localAddress: from } });
          for (let asked = 0; asked < requests; asked += 1) {
            const { body } = await client.request({ path: `/?n=${asked}`, method: 'GET' });
            await body.dump();
            await pause((index * 11) % 60);
          }
          await client.close();
        } else {
          const line = await Line.open(port, { from });
          for (let asked = 0; asked < requests; asked += 1) {
            if ((await line.ask(`/?n=${asked}`)) === 'lost') throw new Error(`a healthy request was lost at port ${port}`);
            await pause((index * 13) % 80);
          }
          await line.leave();
        }
      },
      10,
    );
    truth.nearMiss('kept connections with three to eight requests', count);
  };
