/** Runs `holdfast lab` as a person does, in a process of its own, and reads what it says as JSON. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';

export interface Expected {
  readonly words: string;
  readonly met: boolean;
  readonly showed: string;
}

export interface Outcome {
  readonly scenario: string;
  readonly passed: boolean | null;
  readonly why?: string;
  readonly broken?: string;
  readonly file?: string | null;
  readonly recordedBy?: string;
  readonly expectations?: readonly Expected[];
  readonly skipped?: readonly { readonly words: string; readonly why: string }[];
  readonly packets?: number;
  readonly totals?: Readonly<Record<string, number>>;
}

export interface LabRun {
  readonly code: number | null;
  readonly text: string;
  readonly messages: string;
}

export async function lab(...args: readonly string[]): Promise<LabRun> {
  const child = spawn(process.execPath, [resolve('bin/holdfast.js'), 'lab', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  let messages = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    messages += piece;
  });
  await once(child, 'close');
  return { code: child.exitCode, text, messages };
}

/** What was not met, for the message of a failed test. */
export const unmet = ({ broken, expectations = [] }: Outcome): string =>
  broken ??
  expectations
    .filter(({ met }) => !met)
    .map(({ words, showed }) => `${words}: ${showed}`)
    .join('\n');
