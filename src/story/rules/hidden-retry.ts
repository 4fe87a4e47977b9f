import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import type { UnsafeRequest } from '../facts-whole.js';

/** Later than this it is a new request. */
const withinNs = 30e9;
/** Nobody tries the same request more often. */
const mostTries = 5;

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
  onServer: (server, whole) => {
    const failed = whole.failedUnsafe(server);
    if (failed.length === 0) return null;
    const alike = new Map(failed.map((request) => [keyOf(request), [] as UnsafeRequest[]]));
    // Most requests are told apart by less than a key.
    for (const target of new Set(failed.map((request) => request.target)))
      for (const request of whole.unsafeFor(target)) alike.get(keyOf(request))?.push(request);
    return [...alike.values()].flatMap(retriesAmong).flatMap(([first, again]) =>
      first.server !== server
        ? []
        : [
            {
              packets: [first.packet, again.packet],
              connections: [first.connection, again.connection],
              text: () =>
                `For example ${requestWords(first)}: lost on connection #${first.connection} (packet ${first.packet}), sent again ${durationWords(again.atNs - (first.failedNs ?? 0))} later on #${again.connection} (packet ${again.packet})${again.status === null ? '' : `, answered ${again.status}`}.`,
            },
          ],
    );
  },
  sum: ({ count }) => `${counted(count, 'request')} sent again without anybody knowing whether the first was carried out.`,
};

const keyOf = ({ method, target, host, bodyBytes, clientAddress }: UnsafeRequest): string =>
  `${bodyBytes} ${clientAddress} ${method} ${host?.length} ${host} ${target}`;

/**
 * Which of these equal requests repeats which, each at most one. Whoever sends the same again and again anyway (a heartbeat, a load
 * test) does not repeat a lost one: there the next one comes when it comes.
 */
function retriesAmong(equal: readonly UnsafeRequest[]): [UnsafeRequest, UnsafeRequest][] {
  const found: [UnsafeRequest, UnsafeRequest][] = [];
  const tries = new Map<UnsafeRequest, number>();
  const waiting: UnsafeRequest[] = [];
  let fresh = 0;
  for (const request of equal.toSorted((a, b) => a.atNs - b.atNs)) {
    const place = waiting.findIndex((first) => mayRepeat(first, request));
    const [first] = place < 0 ? [] : waiting.splice(place, 1);
    tries.set(request, first === undefined ? 1 : tries.get(first)! + 1);
    if (first === undefined) fresh++;
    else found.push([first, request]);
    if (request.failedNs !== null) waiting.push(request);
  }
  if (Math.max(...tries.values()) > mostTries) return [];
  // A request that always fails is tried for its own sake.
  const failedAgain = found.filter(([, again]) => again.failedNs !== null).length;
  if (failedAgain >= 3 && 2 * failedAgain > found.length) return [];
  const isHabit = fresh > 2 * found.length + 2;
  return isHabit ? found.filter(([first, again]) => again.number === 1 && isPrompt(first, again)) : found;
}

function mayRepeat({ failedNs }: UnsafeRequest, { atNs, openedNs, number }: UnsafeRequest): boolean {
  if (failedNs === null || atNs < failedNs || atNs - failedNs > withinNs) return false;
  // A repeat goes out on a connection that was there already, or opens one for itself.
  return number === 1 || openedNs < failedNs;
}

const isPrompt = ({ failedNs }: UnsafeRequest, { atNs, openedNs }: UnsafeRequest): boolean =>
  failedNs !== null && openedNs >= failedNs && atNs - failedNs < 1e9;
