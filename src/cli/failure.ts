/** A failure that is the user's or the input's, not ours: one clear sentence on standard error, exit code 2. */
import { escapeName } from '../view/index.js';

export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly code: 'bad-usage' | 'unreadable-input' | 'output-failed';

  constructor(code: CommandFailure['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What is written about it. File names are hostile too: nothing in them reaches the terminal as it is. */
export const failureText = ({ message }: CommandFailure): string =>
  `holdfast: ${message.split('\n').map(escapeName).join('\n')}\n`;

export const exitCodes = { fine: 0, findings: 1, failed: 2 } as const;
