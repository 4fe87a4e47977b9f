/** The clients that run in a process of ours: a bare socket, node:http, undici, and the engine's. */

import { fileURLToPath } from 'node:url';
import { StartedProcess } from '../started-process.js';
import type { ClientAbility, ClientPeer, RunningClient } from './client-peer.js';
import type { Answer, ClientPart, Step } from './step.js';

const program = fileURLToPath(new URL('client-main.js', import.meta.url));

/** A process that takes steps as lines of JSON and answers each with a line. */
export class SteppingClient implements RunningClient {
  readonly #process: StartedProcess;

  constructor(process: StartedProcess) {
    this.#process = process;
  }

  async take(steps: readonly Step[]): Promise<Answer[]> {
    // All at once, so that no time passes between them.
    for (const step of steps) this.#process.tell(JSON.stringify(step));
    const answers: Answer[] = [];
    for (const _ of steps) answers.push(...(JSON.parse(await this.#process.line()) as Answer[]));
    return answers;
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}

const ourClient = (name: string, title: string, version: string, abilities: readonly ClientAbility[]): ClientPeer => ({
  name,
  title,
  abilities,
  version: async () => version,
  howToGet: '',
  start: async ({ address, port }, settings) => {
    const part: ClientPart = { kind: name, address, port, settings };
    const client = new StartedProcess(process.execPath, [program, JSON.stringify(part)]);
    await client.line();
    return new SteppingClient(client);
  },
});

export const plainClient = ourClient('plain', 'a bare socket', '', [
  'hold',
  'hold-closed',
  'http-1.0',
  'pipeline',
  'bytes',
  'probes',
  'many-lists',
  'post',
]);
export const nodeClient = ourClient('node', 'node:http Agent', process.versions.node, [
  'hold',
  'unread',
  'probes',
  'many-lists',
  'post',
]);
export const undiciClient = ourClient('undici', "undici, in Node's fetch", process.versions.undici ?? '', [
  'hold',
  'unread',
  'many-lists',
  'post',
]);
export const holdfastClient = ourClient('holdfast', 'holdfast', '', [
  'hold',
  'http-1.0',
  'pipeline',
  'probes',
  'many-lists',
  'post',
]);
