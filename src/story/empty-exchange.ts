/** An exchange of which only the beginning is known. */
import { zeroNs } from '../base/index.js';
import type { Exchange, Moment } from './model.js';

/** Most exchanges have neither; they share these. */
const noInterim: Exchange['interim'] = [];
const noNotes: Exchange['notes'] = [];

export function emptyExchange(number: number, requestAt: Moment, requestSeen: boolean, pipelined: boolean): Exchange {
  return {
    number,
    method: '',
    target: '',
    version: '',
    host: null,
    status: null,
    reason: '',
    responseVersion: null,
    requestAt,
    requestHeadEnd: null,
    requestEnd: null,
    requestAcked: null,
    firstByte: null,
    responseHeadEnd: null,
    responseEnd: null,
    interim: noInterim,
    requestFraming: null,
    responseFraming: null,
    requestBodyBytes: 0,
    responseBodyBytes: 0,
    responseContentLength: null,
    complete: false,
    requestSeen,
    resent: 0,
    pipelined,
    closeAskedBy: 'none',
    isStream: false,
    hint: null,
    // In an order of its own: objects of one shape share how their numbers are kept, and these should be kept as floats in place.
    waited: { network: zeroNs, server: zeroNs, client: zeroNs },
    stalledMs: 0,
    waitedOn: 'server',
    notes: noNotes,
  };
}
