/** What the scanners share with the reader that uses them. */

import type { ProblemCode } from './problem.js';

export interface Judge {
  readonly strict: boolean;
  /**
   * Says that something is wrong `at` bytes into the section being scanned. True: stop here (strict). False: it is noted, go on.
   */
  object(code: ProblemCode, at: number): boolean;
}

/** Outcomes of a scan, beside the place behind what was scanned (which is never negative). */
export const incomplete = -1;
/** The judge said stop. */
export const stopped = -2;
/** Observing: this is no start line; the caller looks for the next one. */
export const notHttp = -3;
/** Observing: the scanner must alter bytes, which it may only do in the reader's own buffer. */
export const needsOwnBuffer = -4;
