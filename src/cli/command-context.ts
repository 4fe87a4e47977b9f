/** What every command is given: where its output goes, and how it says its exit code. */
import type { Output } from './output.js';

export interface Streams {
  readonly output: Output;
  readonly screen: NodeJS.WriteStream;
  readonly messages: NodeJS.WriteStream;
  readonly environment: NodeJS.ProcessEnv;
}

export interface CommandContext {
  readonly streams: Streams;
  /** Says the exit code; without it the command ends with 0. */
  readonly ended: (code: number) => void;
}
