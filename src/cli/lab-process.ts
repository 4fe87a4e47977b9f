/** One scenario played by the same command in a process, and so in a network, of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { LabOptions } from './lab.js';
import type { OutcomeJson, SkippedJson } from './lab-outcome.js';

/** Characters of its output and messages that are kept. */
const outputLimit = 16 * 1024 * 1024;

interface BrokenJson {
  readonly scenario: string;
  readonly passed: false;
  /** It could not be played to its end, and why. */
  readonly broken: string;
}

export type Outcome = OutcomeJson | SkippedJson | BrokenJson;

/** Plays it and gives what it says. Never throws for what it does. */
export async function playInOwnProcess(name: string, options: LabOptions & { readonly out: string }): Promise<Outcome> {
  const args = ['lab', name, '--json', '--out', options.out];
  for (const option of ['speed', 'sabotage', 'server', 'client'] as const)
    if (options[option] !== undefined) args.push(`--${option}`, String(options[option]));
  if (options.relay === true) args.push('--relay');
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let messages = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    if (text.length < outputLimit) text += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    messages = (messages + piece).slice(-outputLimit);
  });
  const stop = (): unknown => child.kill('SIGTERM');
  process.on('SIGTERM', stop).on('SIGINT', stop);
  await once(child, 'close');
  process.off('SIGTERM', stop).off('SIGINT', stop);
  try {
    return JSON.parse(text) as OutcomeJson | SkippedJson;
  } catch {
    const said = messages.trim().split('\n').slice(-3).join(' ');
    // It is asked of all, and not everybody can be everything.
    if (/cannot be the (server|client) here/.test(said))
      return { scenario: name, passed: null, why: said.replace(/^holdfast: /, '') };
    return { scenario: name, passed: false, broken: said };
  }
}
