/**
 * Faults of the network, on a link of its own: forged resets while all else goes well, and at the end of the run the link loses
 * everything: idle connections that are used again, talks in the middle, probes and openings.
 */

import { pause } from '../recording/clients.js';
import type * as peers from '../recording/peers.js';
import { each, far, type Scenario } from './closing-faults.js';
import { Line, requestText } from './line.js';

type Link = Awaited<ReturnType<typeof peers.startLink>>;

export const linkPorts = { forged: 8240, idle: 8241, talking: 8242, probing: 8243, opening: 8244 } as const;

/** One after the other: the forger answers the newest packet on the link, so nothing else may use it meanwhile. */
export const forgedResets =
  (link: Link): Scenario =>
  async (truth, ready) => {
    await ready();
    for (let index = 0; index < 10; index += 1) {
      const line = await Line.open(linkPorts.forged, { host: far });
      await line.ask();
      const answered = line.ask(index % 2 === 0 ? '/slow?ms=400' : '/');
      if (index % 2 === 0) {
        await pause(150);
        await link.forgeReset();
        if ((await answered) === 'lost') truth.connection('forged-reset', 'while a request waits', line);
      } else await answered;
      await line.leave();
      await pause(100);
    }
  };

export const everythingLost =
  (link: Link): Scenario =>
  async (truth, ready) => {
    await ready();
    const open = (port: number) => Line.open(port, { host: far });
    const idle = await Promise.all(Array.from({ length: 14 }, () => open(linkPorts.idle)));
    const probing = await Promise.all(Array.from({ length: 6 }, () => open(linkPorts.probing)));
    for (const line of probing) line.socket.setKeepAlive(true, 1000);
    await Promise.all([...idle, ...probing].map((line) => line.ask()));
    await pause(3500);
    const talking = await Promise.all(Array.from({ length: 8 }, () => open(linkPorts.talking)));
    await Promise.all(talking.map((line) => line.ask()));
    await link.drop();
    for (const line of talking) {
      truth.connection('path-lost', 'lost from one request to the next', line);
      line.socket.write(requestText('/next'));
    }
    for (const line of idle) {
      truth.connection('silent-drop', 'used again after 3.5 s of idleness', line);
      line.socket.write(requestText('/next', { method: 'POST', body: `{"port":${line.clientPort}}` }));
    }
    for (const line of probing) truth.connection('probes-unanswered', 'ten probes of the kernel', line);
    await each(6, async (index) => {
      const { Socket } = await import('node:net');
      const socket = new Socket();
      const startedAtMs = Date.now();
      const clientPort = 25_000 + index;
      socket.on('error', () => {});
      socket.connect({ port: linkPorts.opening, host: far, localPort: clientPort });
      truth.connection('no-answer', 'the SYN is sent again', { clientPort, serverPort: linkPorts.opening, startedAtMs });
      await pause(8000);
      socket.destroy();
    });
    await pause(6000);
  };
