/**
 * Endings in words: a few words for a line of a list, and phrases for counts. The full sentences are the model's
 * `endingReasonTexts`.
 */
import type { Connection, Ending, EndingWhy } from '../story/index.js';
import { formatCount, formatDuration, formatShortDuration, type Script } from './quantity.js';

export type Severity = 'good' | 'neutral' | 'notable' | 'bad';

interface EndingWords {
  /** For a column, and for a narrow one. */
  readonly short: string;
  readonly terse?: string;
  /** After a count, one and many: `3 requests crossed a close`. */
  readonly counted: readonly [one: string, many: string];
  /** Whether work was lost (`bad`), something is odd (`notable`), or all is as it should be. */
  readonly severity: Severity;
}

export const endingWords: Readonly<Record<EndingWhy, EndingWords>> = {
  'close-announced': { short: 'announced', counted: ['closed as announced', 'closed as announced'], severity: 'good' },
  'half-close': {
    short: 'half-closed',
    terse: 'half-cl.',
    counted: ['half-closed and answered', 'half-closed and answered'],
    severity: 'good',
  },
  'body-end': {
    short: 'ends the body',
    terse: 'body end',
    counted: ['closed to end the body', 'closed to end the body'],
    severity: 'good',
  },
  'after-response': {
    short: 'after response',
    terse: 'after resp.',
    counted: ['closed after the response', 'closed after the response'],
    severity: 'good',
  },
  idle: { short: 'idle', counted: ['closed while idle', 'closed while idle'], severity: 'good' },
  'request-crossed': {
    short: 'request crossed',
    terse: 'crossed',
    counted: ['request crossed a close', 'requests crossed a close'],
    severity: 'bad',
  },
  'request-unanswered': {
    short: 'request unanswered',
    terse: 'unanswered',
    counted: ['closed on a waiting request', 'closed on waiting requests'],
    severity: 'bad',
  },
  'response-cut': {
    short: 'response cut',
    terse: 'cut',
    counted: ['response cut short', 'responses cut short'],
    severity: 'bad',
  },
  'request-cut': { short: 'request cut', counted: ['request cut short', 'requests cut short'], severity: 'bad' },
  unused: { short: 'unused', counted: ['closed unused', 'closed unused'], severity: 'neutral' },
  refused: { short: 'refused', counted: ['refused', 'refused'], severity: 'bad' },
  'no-answer': { short: 'no answer', counted: ['never answered', 'never answered'], severity: 'bad' },
  'handshake-aborted': {
    short: 'handshake aborted',
    terse: 'handshake',
    counted: ['aborted in the handshake', 'aborted in the handshake'],
    severity: 'bad',
  },
  'probes-unanswered': {
    short: 'probes unanswered',
    counted: ['died with probes unanswered', 'died with probes unanswered'],
    severity: 'bad',
  },
  'data-unanswered': {
    short: 'data unanswered',
    counted: ['died with data unanswered', 'died with data unanswered'],
    severity: 'bad',
  },
  'error-response': {
    short: 'after an error',
    terse: 'after error',
    counted: ['closed after an error response', 'closed after an error response'],
    severity: 'notable',
  },
  'tunnel-end': { short: 'tunnel ended', terse: 'tunnel', counted: ['tunnel ended', 'tunnels ended'], severity: 'neutral' },
  'other-protocol-end': { short: '', counted: ['of another protocol', 'of other protocols'], severity: 'neutral' },
  'joined-late': { short: 'joined late', counted: ['joined too late to tell', 'joined too late to tell'], severity: 'neutral' },
  'still-open': { short: '', counted: ['still open', 'still open'], severity: 'neutral' },
};

export const countEnding = (why: EndingWhy, count: number): string =>
  `${formatCount(count)} ${endingWords[why].counted[count === 1 ? 0 : 1]}`;

/** Who and how, in two words: `server FIN`, `client RST`, `open`, `timeout`. */
export function endingActor({ by, how }: Ending): string {
  switch (how) {
    case 'open':
      return 'open';
    case 'timeout':
      return by === 'none' ? 'timeout' : `${by} timeout`;
    case 'fin':
    case 'rst':
      return by === 'none' ? how.toUpperCase() : `${by} ${how.toUpperCase()}`;
  }
}

/** A line's ending: `server FIN, idle 5.00 s`, `client RST, response cut`, `open`, `refused`. `terse`: durations in fewest characters. */
export function endingLine({ ending }: Pick<Connection, 'ending'>, script: Script, { terse = false } = {}): string {
  const { why, idleNs } = ending;
  const { short, terse: shorter = short } = endingWords[why];
  const words = terse ? shorter : short;
  if (why === 'refused' || why === 'no-answer' || why === 'probes-unanswered' || why === 'data-unanswered') return words;
  if (why !== 'idle' || idleNs === null) return words === '' ? endingActor(ending) : `${endingActor(ending)}, ${words}`;
  return `${endingActor(ending)}, idle ${terse ? formatShortDuration(idleNs, script) : formatDuration(idleNs, script)}`;
}
