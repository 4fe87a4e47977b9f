/** The engine's own client as a client of the lab. */

import { Client, HoldfastError } from '../../engine/index.js';
import type { StepPlayer } from './client-main.js';
import type { Answer, Ask, ClientPart } from './step.js';

/** How often `untilClosed` looks at the pool. */
const lookEveryMs = 20;

export function holdfastClient({ address, port, settings }: ClientPart): StepPlayer {
  const open = (): Client =>
    new Client({
      connections: settings.connections,
      keepAlive: settings.keepAlive,
      version: settings.version,
      idleMs: settings.idleMs ?? Number.POSITIVE_INFINITY,
      probeAfterMs: settings.probes?.idleMs ?? Number.POSITIVE_INFINITY,
      pipelining: 1,
    });
  const openPipelining = (): Client => new Client({ connections: 1, pipelining: 16 });
  let client = open();
  let pipelining = openPipelining();
  const origin = `http://${address}:${port}`;
  const askBy = async (by: Client, { path, method = 'GET', body, unread, last }: Ask): Promise<Answer> => {
    try {
      const response = await by.request({
        url: `${origin}${path}`,
        method,
        ...(body === undefined ? {} : { body }),
        ...(last === true ? { keepAlive: false } : {}),
      });
      if (unread !== true) await response.body.bytes();
      return { path, status: response.status, error: null };
    } catch (error) {
      return { path, status: null, error: error instanceof HoldfastError ? error.code : String(error) };
    }
  };
  return {
    ask: (ask) => askBy(client, ask),
    pipelined: (asks) => Promise.all(asks.map((ask) => askBy(pipelining, ask))),
    bytes: null,
    untilClosed: async (mostMs) => {
      const until = performance.now() + mostMs;
      const isOpen = (): boolean => client.statistics().some(({ open }) => open > 0);
      while (isOpen() && performance.now() < until) await new Promise((done) => setTimeout(done, lookEveryMs));
    },
    leave: async () => {
      await pipelining.close();
      await client.close();
      client = open();
      pipelining = openPipelining();
    },
  };
}
