/** Why a live source cannot do what was asked, in one sentence, and what the person can do about it in another. */

/**
 * `not-permitted`: the system refuses the right. `not-supported`: this system or kernel has no such thing. `missing-program`: a program or
 * package that would be needed is not installed. `bad-request`: what was asked for does not exist or makes no sense (interface, filter,
 * option); of these, `no-interface` and `bad-filter` have their own. `interface-down`: it is down, went down or went away. `unwritable-file`,
 * `disk-full`: what is written to. `ssh-failed`: ssh itself, not what it ran. `address-in-use`, `no-such-host`: an address of this or another
 * machine. `failed`: a system call or a program failed for another reason.
 */
export type CaptureErrorCode =
  | 'not-permitted'
  | 'not-supported'
  | 'missing-program'
  | 'bad-request'
  | 'no-interface'
  | 'bad-filter'
  | 'interface-down'
  | 'unwritable-file'
  | 'disk-full'
  | 'ssh-failed'
  | 'address-in-use'
  | 'no-such-host'
  | 'failed';

export class CaptureError extends Error {
  override readonly name = 'CaptureError';
  readonly code: CaptureErrorCode;
  /** What to do, as a sentence of its own or as commands to run, a line each; null when nothing is known to help. */
  readonly wayOut: string | null;

  constructor(code: CaptureErrorCode, message: string, options: { readonly wayOut?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.wayOut = options.wayOut ?? null;
  }
}
