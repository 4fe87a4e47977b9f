/**
 * undici, as it is inside Node's `fetch`, as a client of the lab. Its Agent is no public name of Node; the one that `fetch` uses
 * tells its class.
 */

import type { StepPlayer } from './client-main.js';
import type { Answer, Ask, ClientPart } from './step.js';

interface AgentLike {
  close(): Promise<void>;
  on(event: 'connect' | 'disconnect', listener: () => void): void;
}

type AgentClass = new (options: { connections: number; keepAliveTimeout?: number }) => AgentLike;

/** Of undici 8, in Node 26, where the other name leads to a wrapper; and of those before. */
const globalDispatchers = ['undici.globalDispatcher.2', 'undici.globalDispatcher.1'].map((name) => Symbol.for(name));

async function agentClass(): Promise<AgentClass> {
  // The first fetch makes the dispatcher.
  await fetch('data:,').then((response) => response.text());
  const known = globalThis as Record<symbol, object | undefined>;
  const dispatcher = globalDispatchers.map((name) => known[name]).find((found) => found !== undefined);
  if (dispatcher === undefined) throw new Error('this Node keeps its undici to itself');
  return dispatcher.constructor as AgentClass;
}

export async function undiciClient({ address, port, settings }: ClientPart): Promise<StepPlayer> {
  const Agent = await agentClass();
  const agent = new Agent({
    connections: settings.connections,
    ...(settings.idleMs === null ? {} : { keepAliveTimeout: settings.idleMs }),
  });
  let open = 0;
  let noneLeft: (() => void) | null = null;
  agent.on('connect', () => {
    open++;
  });
  agent.on('disconnect', () => {
    open--;
    if (open === 0) noneLeft?.();
  });
  const ask = async ({ path, method = 'GET', body, unread, last }: Ask): Promise<Answer> => {
    try {
      const response = await fetch(`http://${address}:${port}${path}`, {
        method,
        headers: settings.keepAlive && last !== true ? {} : { Connection: 'close' },
        ...(body === undefined ? {} : { body }),
        dispatcher: agent,
      } as RequestInit);
      if (unread !== true) await response.text();
      return { path, status: response.status, error: null };
    } catch (error) {
      const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
      return { path, status: null, error: cause?.code ?? cause?.message ?? String(error) };
    }
  };
  return {
    ask,
    pipelined: null,
    bytes: null,
    untilClosed: async (mostMs) => {
      if (open === 0) return;
      await new Promise<void>((done) => {
        const timer = setTimeout(done, mostMs);
        noneLeft = () => {
          clearTimeout(timer);
          done();
        };
      });
    },
    leave: () => agent.close(),
  };
}
