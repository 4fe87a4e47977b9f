import type { Rule } from '../diagnosis-rule.js';
import { counted, requestWords } from '../diagnosis-words.js';

export const responseCut: Rule = {
  id: 'response-cut',
  level: 'bad',
  confidence: 'high',
  owner: 'server',
  title: 'Answers were cut off before their end',
  prose:
    'The answer said how long it would be (Content-Length, or chunks with a last one), and the connection ended before that. The caller has ' +
    'half an answer, and a careful client reports it as an error. When the server cut it: a worker crashed or was killed, a limit or ' +
    'timeout struck while it was sending, or it announced more than it had. When the client cut it: it was told to stop, or lost interest.',
  notToConfuseWith:
    'Answers whose end is the end of the connection (HTTP/1.0): those cannot be told from cut ones. A capture that missed packets: then ' +
    'this rule says nothing.',
  fixes: [
    {
      for: 'the server',
      setting: 'its error log at this time: worker exits, timeouts while sending',
      why: 'the packets prove who cut, not why',
    },
    { for: 'gunicorn', setting: '--timeout 120', why: 'its arbiter kills workers that send for longer than 30 s' },
    { for: 'nginx', setting: 'send_timeout, proxy_read_timeout', why: 'both cut answers that stall' },
  ],
  endings: ['response-cut'],
  onConnection: ({ id, ending, exchanges, tcp, closing, skipped }, { bothSeen }) => {
    if ((ending.by !== 'server' && ending.by !== 'client') || !bothSeen || skipped !== null) return null;
    const cut = exchanges[exchanges.length - 1]!;
    const { responseFraming, responseContentLength, responseBodyBytes, firstByte } = cut;
    if (!cut.requestSeen || firstByte === null) return null;
    const inHead = cut.responseHeadEnd === null;
    if (!inHead && responseFraming !== 'length' && responseFraming !== 'chunked') return null;
    if (tcp.gapBytes.server > 0 || tcp.lostSegments.server > 0 || tcp.acksOfUnseen.client > 0) return null;
    // What the server acknowledges and nobody saw may be the client's FIN, before its own.
    if (tcp.acksOfUnseen.server > 0) return null;
    // Chunks that do not fit their sizes are another fault.
    if (cut.notes.some(({ code }) => code.startsWith('chunk'))) return null;
    const byServer = ending.by === 'server';
    // Whoever has heard enough of a stream of events closes it; there is no other way.
    if (!byServer && cut.isStream) return null;
    // The server's close is an answer to the client's when both were captured in the wrong order.
    if (byServer && closing.clientFin !== null && closing.clientFin.atNs <= ending.at.atNs) return null;
    const had = inHead
      ? 'a part of its head'
      : responseFraming === 'length'
        ? `${responseBodyBytes} of ${responseContentLength} bytes`
        : `${responseBodyBytes} bytes and no last chunk`;
    return {
      level: byServer ? 'bad' : 'info',
      owner: byServer ? 'server' : 'client',
      packets: [firstByte.packet, ending.at.packet],
      lostRequests: byServer ? 1 : 0,
      text: () =>
        `For example connection #${id}: the answer to ${requestWords(cut)} ended after ${had} with the ${ending.by}’s ${ending.how === 'fin' ? 'FIN' : 'reset'} (packet ${ending.at.packet}).`,
    };
  },
  sum: ({ count, requests, lostRequests }) =>
    `${count} of ${counted(requests, 'answer')} cut off${lostRequests > 0 ? '' : ' by the client itself'}.`,
};
