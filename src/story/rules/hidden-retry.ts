import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import type { UnsafeRequest } from '../facts-whole.js';

/** Later than this it is a new request. */
const withinNs = 30e9;

export const hiddenRetry: Rule = {
  id: 'hidden-retry',
  level: 'warning',
  confidence: 'medium',
  owner: 'client',
  title: 'A request that changes something was sent again after a failure',
  prose:
    'A POST (or PATCH) got no answer because its connection ended, and shortly afterwards the same client sent the same request again. Nobody ' +
    'can know whether the first one was carried out. If it was, the order is placed twice, the money is booked twice. Some clients and ' +
    'proxies do this by themselves, and neither log shows it.',
  notToConfuseWith: 'Two equal requests that were both meant, and repeats of GET, HEAD, PUT or DELETE, which are safe.',
  fixes: [
    {
      for: 'the application',
      setting: 'an Idempotency-Key field on each such request, honoured by the server',
      why: 'then a repeat does nothing',
    },
    {
      for: 'nginx as proxy',
      setting: 'proxy_next_upstream error timeout; (without non_idempotent)',
      why: 'with non_idempotent it repeats POSTs',
    },
    {
      for: 'HAProxy',
      setting: 'no retry-on all-retryable-errors for POST (http-request disable-l7-retry if METH_POST)',
      why: 'it repeats POSTs when told to retry everything',
    },
    {
      for: 'Envoy',
      setting: 'retry_on without reset and 5xx for such routes',
      why: 'it repeats POSTs when told to retry everything',
    },
  ],
  onServer: (server, { unsafe }) => {
    const failed = unsafe.filter((request) => request.server === server && request.failedNs !== null);
    if (failed.length === 0) return null;
    return failed.flatMap((first) => {
      const again = nextAfter(first, unsafe);
      if (again === null) return [];
      return [
        {
          packets: [first.packet, again.packet],
          connections: [first.connection, again.connection],
          text: () =>
            `For example ${requestWords(first)}: lost on connection #${first.connection} (packet ${first.packet}), sent again ${durationWords(again.atNs - (first.failedNs ?? 0))} later on #${again.connection} (packet ${again.packet})${again.status === null ? '' : `, answered ${again.status}`}.`,
        },
      ];
    });
  },
  sum: ({ count }) => `${counted(count, 'request')} sent again without anybody knowing whether the first was carried out.`,
};

/** The first equal request of the same client after the failure. */
function nextAfter(first: UnsafeRequest, all: readonly UnsafeRequest[]): UnsafeRequest | null {
  let best: UnsafeRequest | null = null;
  for (const other of all) {
    const sinceNs = other.atNs - (first.failedNs ?? 0);
    if (other === first || !isSame(other, first) || sinceNs < 0 || sinceNs > withinNs) continue;
    if (best === null || other.atNs < best.atNs) best = other;
  }
  return best;
}

const isSame = (one: UnsafeRequest, other: UnsafeRequest): boolean =>
  one.method === other.method &&
  one.bodyBytes === other.bodyBytes &&
  one.target === other.target &&
  one.host === other.host &&
  one.clientAddress === other.clientAddress;
