import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';

const leastNs = 1e9;

export const slowClient: Rule = {
  id: 'slow-client',
  level: 'warning',
  confidence: 'high',
  owner: 'client',
  title: 'The client held up its own exchange',
  prose:
    'Either the client began a request and was slow to send the rest of it, or it was slow to read the answer: its machine’s buffer was ' +
    'full and said “no more” (window 0). The server had to wait for the client. A busy client program, a slow disk or a slow consumer ' +
    'behind it is the cause; a server behind a proxy is protected by the proxy’s buffers.',
  notToConfuseWith: 'A client that never reads on (unread-body), and a slow line (slow-network).',
  fixes: [
    {
      for: 'the client',
      setting: 'read answers as they come; do not block the thread or event loop that reads',
      why: 'the window closes when nobody reads',
    },
    {
      for: 'nginx as proxy',
      setting: 'proxy_buffering on; proxy_request_buffering on;',
      why: 'the server behind it is not held up by slow clients',
    },
  ],
  asks: ['waited-for-client'],
  onConnection: (connection, { longestClientNs, byTurns }) => {
    if (longestClientNs < leastNs) return null;
    const windows = connection.marks.filter(({ kind, from }) => kind === 'zero-window' && from === 'client');
    const stalled = windows.length > 0;
    const slow = connection.exchanges.filter(
      ({ waited, requestSeen, firstByte, interim }) =>
        waited.client >= leastNs &&
        requestSeen &&
        firstByte !== null &&
        // It may have waited for leave to go on, or for room; without the heads nobody knows.
        !(byTurns && (interim.length > 0 || !stalled)),
    );
    const [first] = slow;
    if (first === undefined) return null;
    const packets =
      windows.length > 0
        ? windows.slice(0, 10).map(({ packet }) => packet)
        : [first.requestAt.packet, (first.requestEnd ?? first.requestAt).packet];
    return {
      count: slow.length,
      packets,
      delayNs: slow.reduce((sum, { waited }) => sum + waited.client, 0),
      text: () => {
        const how = windows.length > 0 ? 'its window was closed' : 'the rest of the request came late';
        return `For example connection #${connection.id}: ${requestWords(first)} (packet ${first.requestAt.packet}) waited ${durationWords(first.waited.client)} for the client: ${how}.`;
      },
    };
  },
  sum: ({ count, requests, delayNs }) =>
    `${count} of ${counted(requests, 'request')} held up by the client for a second or more, ${durationWords(delayNs)} together.`,
};
