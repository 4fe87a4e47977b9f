/** A failure that is the user's or the input's, not ours: one clear sentence on standard error, exit code 2. */
import type { CaptureError } from '../capture/index.js';
import { escapeName } from '../view/index.js';

export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly code: 'bad-usage' | 'unreadable-input' | 'output-failed' | 'not-possible';

  constructor(code: CommandFailure['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What is written about it. File names are hostile too: nothing in them reaches the terminal as it is. */
export const failureText = ({ message }: CommandFailure): string =>
  `holdfast: ${message.split('\n').map(escapeName).join('\n')}\n`;

/** What a live source cannot do, with the way out below it; null: any other error. The class itself would load the layer. */
export function failureOfCapture(error: unknown): CommandFailure | null {
  if (!(error instanceof Error && error.name === 'CaptureError')) return null;
  const { code, message, wayOut } = error as CaptureError;
  const text = wayOut === null ? message : `${message}\n${wayOut.replace(/^/gm, '  ')}`;
  return new CommandFailure(code === 'bad-request' ? 'bad-usage' : 'not-possible', text, { cause: error });
}

export const exitCodes = { fine: 0, findings: 1, failed: 2 } as const;
