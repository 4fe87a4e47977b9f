/**
 * A client of the lab in a process of its own:
 *
 *     node client-main.js '{"kind":"node","address":"127.0.0.1","port":8191,"settings":{…}}'
 *
 * Each line of standard input is a step, each line of standard output its result. Ends with its standard input, at once and without a
 * word to anybody: whoever wants an orderly end says `leave` before.
 */

import { createInterface } from 'node:readline';
import type { Answer, Ask, ClientPart, Step } from './step.js';

/** A client of one kind. Nothing throws for what the network does: it is told in the answer. */
export interface StepPlayer {
  ask(ask: Ask): Promise<Answer>;
  /** Null: this client cannot. */
  readonly pipelined: ((asks: readonly Ask[]) => Promise<Answer[]>) | null;
  readonly bytes: ((text: string) => Promise<Answer[]>) | null;
  untilClosed(mostMs: number): Promise<void>;
  leave(): Promise<void>;
}

const kinds: Readonly<Record<string, (part: ClientPart) => Promise<StepPlayer>>> = {
  plain: async (part) => (await import('./plain-client.js')).plainClient(part),
  node: async (part) => (await import('./node-http-client.js')).nodeClient(part),
  undici: async (part) => (await import('./undici-client.js')).undiciClient(part),
  holdfast: async (part) => (await import('./holdfast-client.js')).holdfastClient(part),
};

async function play(player: StepPlayer, step: Step): Promise<Answer[]> {
  switch (step.kind) {
    case 'ask':
      return [await player.ask(step.ask)];
    case 'in-turn': {
      const answers: Answer[] = [];
      for (const ask of step.asks) answers.push(await player.ask(ask));
      return answers;
    }
    case 'side-by-side':
      return Promise.all(step.asks.map((ask) => player.ask(ask)));
    case 'pipelined':
      return player.pipelined!(step.asks);
    case 'bytes':
      return player.bytes!(step.text);
    case 'pause':
      await new Promise((done) => setTimeout(done, step.ms));
      return [];
    case 'until-closed':
      await player.untilClosed(step.mostMs);
      return [];
    case 'leave':
      await player.leave();
      return [];
  }
}

const part = JSON.parse(process.argv[2] ?? '{}') as ClientPart;
const kind = kinds[part.kind];
if (kind === undefined) throw new Error(`there is no client ${part.kind}`);
const player = await kind(part);
process.stdout.write('ready\n');
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await play(player, JSON.parse(line) as Step))}\n`);
}
process.exit(0);
