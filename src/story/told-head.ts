/**
 * Heads as the story needs them, and how to make them from the observations of a source that knows messages (the engine): the
 * same members that the reader of `wire` fills from bytes.
 */
import type { FieldLine, RequestHeadObservation, ResponseHeadObservation } from '../base/index.js';
import {
  type ConnectionWish,
  type Framing,
  parseConnectionOptions,
  persistenceOf,
  type RequestHead,
  type ResponseHead,
} from '../wire/index.js';

/** The part of a request head that the story reads. */
export type SeenRequestHead = Pick<
  RequestHead,
  'method' | 'target' | 'version' | 'host' | 'framing' | 'persistence' | 'expectsContinue'
> & {
  readonly fields: { get(name: string): string | null };
};

/** The part of a response head that the story reads. */
export type SeenResponseHead = Pick<
  ResponseHead,
  'status' | 'reason' | 'version' | 'isInterim' | 'framing' | 'persistence' | 'contentLength' | 'hasKeepAliveField' | 'saysClose'
> & { readonly fields: { get(name: string): string | null } };

export function toldRequestHead(observation: RequestHeadObservation): SeenRequestHead {
  const { fields } = observation;
  const framing: Framing = /\bchunked\b/i.test(get(fields, 'transfer-encoding') ?? '')
    ? 'chunked'
    : get(fields, 'content-length') !== null
      ? 'length'
      : 'none';
  return {
    method: observation.method,
    target: observation.target,
    version: observation.version,
    host: get(fields, 'host'),
    framing,
    persistence: persistenceOf('request', versionOf(observation.version), wishOf(fields), framing),
    expectsContinue: observation.version === '1.1' && get(fields, 'expect')?.toLowerCase() === '100-continue',
    fields: { get: (name) => get(fields, name) },
  };
}

export function toldResponseHead(observation: ResponseHeadObservation, method: string): SeenResponseHead {
  const { fields, status } = observation;
  const isInterim = status >= 100 && status < 200 && status !== 101;
  const length = get(fields, 'content-length');
  const framing = responseFraming(status, method, fields, length);
  const wish = wishOf(fields);
  return {
    status,
    reason: observation.reason,
    version: observation.version,
    isInterim,
    framing,
    persistence: persistenceOf(isInterim ? 'interim-response' : 'response', versionOf(observation.version), wish, framing),
    contentLength: length !== null && /^\d{1,15}$/.test(length) ? Number(length) : -1,
    hasKeepAliveField: get(fields, 'keep-alive') !== null,
    saysClose: wish === 'close',
    fields: { get: (name) => get(fields, name) },
  };
}

/** RFC 9112 §6.3. */
function responseFraming(status: number, method: string, fields: readonly FieldLine[], length: string | null): Framing {
  if (status === 101 || (method === 'CONNECT' && status >= 200 && status < 300)) return 'tunnel';
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none';
  if (get(fields, 'transfer-encoding') !== null) return 'chunked';
  return length === null ? 'until-close' : 'length';
}

const versionOf = (version: string): '0.9' | '1.0' | '1.1' => (version === '1.0' || version === '0.9' ? version : '1.1');

function wishOf(fields: readonly FieldLine[]): ConnectionWish {
  const options = parseConnectionOptions(get(fields, 'connection'));
  if (options.includes('close')) return 'close';
  return options.includes('keep-alive') ? 'keep-alive' : 'none';
}

function get(fields: readonly FieldLine[], name: string): string | null {
  const values = fields.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
}
