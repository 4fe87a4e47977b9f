/** Runs commands that live on beside the test: a server that is stopped at the end, a client that talks to it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import type { CommandResult } from './run-command.js';

const environment = { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8' };

export interface LiveCommand {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly errors: () => string;
  /** Resolves when what it has written to either stream matches. Rejects when it ends first. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** Resolves with its exit code. */
  ended(): Promise<number | null>;
}

export function startCommand(
  parameters: readonly string[],
  program: readonly string[] = [process.execPath, 'bin/holdfast.js'],
): LiveCommand {
  const child = spawn(program[0]!, [...program.slice(1), ...parameters], { env: environment });
  let out = '';
  let errors = '';
  let hasEnded = false;
  const waiting = new Set<() => void>();
  const changed = (): void => {
    for (const look of [...waiting]) look();
  };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    changed();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
    changed();
  });
  const closed = once(child, 'close').then(([code]) => {
    hasEnded = true;
    changed();
    return code as number | null;
  });
  after(async () => {
    if (!hasEnded) child.kill('SIGKILL');
    await closed;
  });
  return {
    child,
    out: () => out,
    errors: () => errors,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(out) ?? pattern.exec(errors);
          if (match !== null) resolve(match);
          else if (hasEnded) reject(new Error(`It ended without ${pattern}: ${out}${errors}`));
          else return;
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      }),
    ended: () => closed,
  };
}

/** Runs a command to its end, with `input` as standard input. */
export async function runLive(parameters: readonly string[], input = '', program?: readonly string[]): Promise<CommandResult> {
  const command = startCommand(parameters, program);
  command.child.stdin?.on('error', () => {}).end(input);
  const code = await command.ended();
  return { code, out: command.out(), errors: command.errors() };
}

/** `holdfast serve` on a free port; gives its URL. */
export async function startServe(...parameters: readonly string[]): Promise<{ url: string; command: LiveCommand }> {
  const command = startCommand(['serve', '--port', '0', ...parameters]);
  const [, url] = await command.until(/Listening at (\S+?)[.,] /);
  return { url: url!, command };
}
