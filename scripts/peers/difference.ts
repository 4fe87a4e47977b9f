/**
 * Whether two servers read the same bytes alike, and if not, in what the difference lies.
 *
 * Two readings are alike when the same requests were executed in the same order, and the reader stands in the same place behind them: between two
 * messages, within one, or closed. How a server words a refusal is not compared.
 */

import type { Reading, ReadResponse } from './reading.js';

export type Difference =
  /** We refuse what the other reads on. Never dangerous; must be deliberate. */
  | { readonly kind: 'we-refuse'; readonly code: string }
  /** The other refuses what we read on. */
  | { readonly kind: 'other-refuses'; readonly status: number }
  /** Both refuse at last, but the other leaves requests before that without their answer. */
  | { readonly kind: 'answers-lost'; readonly count: number }
  /** Both read on, and execute different requests. */
  | { readonly kind: 'other-request'; readonly ours: string; readonly theirs: string }
  /** Both executed the same, and stand in different places. */
  | { readonly kind: 'other-place'; readonly ours: string; readonly theirs: string };

/** 405 of a peer means that it has read the request well and does not do such things. */
const isExecuted = (response: ReadResponse): boolean =>
  response.status < 400 || (response.status === 405 && response.code === '');

/** Method and target always; bytes of the body where both say them. */
function isSame(ours: ReadResponse, theirs: ReadResponse): boolean {
  const [a, b] = [ours, theirs].map((each) => /^(\S+) (.*) (\S+)$/.exec(each.seen));
  if (!a || !b) return true;
  return a[1] === b[1] && samePath(a[2]!, b[2]!) && (a[3] === b[3] || b[3] === '-');
}

/** Some servers say the path of an absolute target only, or decode and clean it. */
function samePath(ours: string, theirs: string): boolean {
  return ours === theirs || pathOf(ours) === pathOf(theirs) || pathOf(theirs) === '';
}

function pathOf(target: string): string {
  const path = target
    .replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '')
    .replace(/[?#].*$/, '')
    .replace(/%[0-9a-f]{2}/gi, (pair) => String.fromCharCode(Number.parseInt(pair.slice(1), 16)))
    .replace(/\/+/g, '/');
  return path === '' && target !== '' ? '/' : path;
}

export function differenceOf(ours: Reading, theirs: Reading): Difference | null {
  for (let index = 0; ; index++) {
    const a = ours.responses[index];
    const b = theirs.responses[index];
    if (a !== undefined && !isExecuted(a)) {
      return b !== undefined && !isExecuted(b) ? null : refusedAlike(theirs, index) ? null : { kind: 'we-refuse', code: a.code };
    }
    if (b !== undefined && !isExecuted(b)) {
      const refusedAt = ours.responses.findIndex((response) => !isExecuted(response));
      return refusedAt > index ? { kind: 'answers-lost', count: refusedAt - index } : { kind: 'other-refuses', status: b.status };
    }
    if (a === undefined || b === undefined) {
      if (a === undefined && b === undefined) {
        return ours.state === theirs.state ? null : { kind: 'other-place', ours: ours.state, theirs: theirs.state };
      }
      return { kind: 'other-request', ours: a?.seen ?? ours.state, theirs: b?.seen ?? theirs.state };
    }
    if (!isSame(a, b)) return { kind: 'other-request', ours: a.seen, theirs: b.seen };
  }
}

/** A server that closes without a word has refused, too. */
const refusedAlike = (theirs: Reading, index: number): boolean => theirs.responses.length === index && theirs.state === 'closed';
