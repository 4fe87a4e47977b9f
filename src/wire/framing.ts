/**
 * How the body of a message is framed, judged from the facts of a whole head: RFC 9112 §6.3, with everything refused in
 * strict that two implementations might read in two ways. Observing, the reading is the one that most servers would take, and
 * each irregularity is noted: Transfer-Encoding beats Content-Length, the first Content-Length beats the others.
 *
 * Results are a framing, or null when the judge said stop.
 */

import type { Facts } from './facts.js';
import type { Judge } from './judge.js';
import type { Fields, Framing } from './message.js';
import type { PersistenceVersion } from './persistence.js';

/**
 * Host, Expect and framing of a request. `at`: where problems are reported, in bytes from the start of the head. A CONNECT
 * has no content (RFC 9110 §9.3.6), and servers disagree on what follows one that says it has.
 */
export function frameRequest(
  facts: Facts,
  fields: Fields,
  judge: Judge,
  at: number,
  version: PersistenceVersion,
  method: string,
): Framing | null {
  if (facts.hostLineCount !== 1) {
    if (facts.hostLineCount > 1 && judge.object('host-repeated', at)) return null;
    if (facts.hostLineCount === 0 && version === '1.1' && judge.object('host-missing', at)) return null;
  }
  if (facts.hostInvalid && judge.object('host-invalid', at)) return null;
  if (facts.expectsOther && judge.object('expectation-unknown', at)) return null;
  if (facts.lengthCount === 0 && facts.transferEncodingCount === 0) return 'none';
  if (method === 'CONNECT') return saysBody(facts) && judge.object('framing-without-body', at) ? null : 'none';
  return frameByFields(facts, fields, judge, at, version, 'none');
}

/** Framing of a response. `method`: of the request that is answered, or null when it is not known. */
export function frameResponse(
  facts: Facts,
  fields: Fields,
  judge: Judge,
  at: number,
  version: PersistenceVersion,
  status: number,
  method: string | null,
): Framing | null {
  if (status === 101) return 'tunnel';
  if (status < 200 || status === 204) {
    if (saysBody(facts) && !judge.strict) judge.object('framing-without-body', at);
    return 'none';
  }
  if (method === 'CONNECT' && status < 300) return 'tunnel';
  if (method === 'HEAD' || status === 304) return 'none';
  return frameByFields(facts, fields, judge, at, version, 'until-close');
}

const saysBody = (facts: Facts): boolean =>
  facts.transferEncodingCount > 0 || facts.lengthInvalid || facts.lengthsDiffer || facts.contentLength > 0;

function frameByFields(
  facts: Facts,
  fields: Fields,
  judge: Judge,
  at: number,
  version: PersistenceVersion,
  otherwise: 'none' | 'until-close',
): Framing | null {
  if (facts.transferEncodingCount === 0) return frameByLength(facts, judge, at, otherwise);
  if (facts.lengthCount > 0 && judge.object('length-with-transfer-encoding', at)) return null;
  if (version !== '1.1' && judge.object('transfer-encoding-in-http-1-0', at)) return null;
  if (facts.plainlyChunked && facts.transferEncodingCount === 1) return 'chunked';
  return frameByCodings(facts, fields, judge, at, otherwise);
}

function frameByLength(facts: Facts, judge: Judge, at: number, otherwise: Framing): Framing | null {
  if (facts.lengthCount === 0) return otherwise;
  if (facts.lengthInvalid && judge.object('length-invalid', at)) return null;
  if (facts.lengthsDiffer && judge.object('lengths-differ', at)) return null;
  if (facts.lengthCount > 1 && !facts.lengthsDiffer && !judge.strict) judge.object('length-repeated', at);
  return facts.contentLength === -1 ? otherwise : 'length';
}

/** Anything other than one plain `chunked`. RFC 9112 §6.1, §7; in strict there is no way through here but out. */
function frameByCodings(
  facts: Facts,
  fields: Fields,
  judge: Judge,
  at: number,
  otherwise: 'none' | 'until-close',
): Framing | null {
  const codings = fields.getAll('transfer-encoding').join(',').split(',').map(withoutBlanks);
  const invalid = codings.some((coding) => !/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(coding));
  if (invalid && judge.object('transfer-encoding-invalid', at)) return null;
  const chunkedCount = codings.filter((coding) => coding === 'chunked').length;
  if (chunkedCount > 1 && judge.object('transfer-encoding-chunked-twice', at)) return null;
  const last = codings.at(-1) ?? '';
  if (last !== 'chunked' && judge.object('transfer-encoding-not-chunked', at)) return null;
  if (codings.some((coding) => coding !== 'chunked') && judge.object('transfer-encoding-unknown', at)) return null;
  // Observing from here on.
  if (/\bchunked\b/.test(last)) return 'chunked';
  if (otherwise === 'none' && chunkedCount > 0) return 'chunked';
  return otherwise === 'until-close' ? otherwise : frameByLength(facts, judge, at, otherwise);
}

/** OWS off both ends, in lower case; by hand, because an expression takes quadratic time on a long run of blanks. */
function withoutBlanks(coding: string): string {
  let start = 0;
  let end = coding.length;
  while (start < end && (coding[start] === ' ' || coding[start] === '\t')) start++;
  while (end > start && (coding[end - 1] === ' ' || coding[end - 1] === '\t')) end--;
  return coding.slice(start, end).toLowerCase();
}
