import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, percentWords, requestWords } from '../diagnosis-words.js';
import { leastKnowingNs } from '../facts-lost-request.js';

export const reuseAfterFin: Rule = {
  id: 'reuse-after-fin',
  level: 'bad',
  confidence: 'high',
  owner: 'client',
  title: 'The client sent requests into connections that it knew were closed',
  prose:
    'The server had closed the connection, and the client’s machine had acknowledged that before the request was sent. So this is no ' +
    'unlucky crossing: the news had arrived, and the client program did not look before it used the connection again. The server ' +
    'answers with a reset, and the request is lost. The usual causes are an old client library, a pool that checks a connection only ' +
    'when it puts it back, or a program whose event loop was blocked while the news waited.',
  notToConfuseWith: 'stale-reuse, where request and close cross on the way and nobody could know.',
  fixes: [
    {
      for: 'Apache HttpClient 5',
      setting: 'ConnectionConfig.custom().setValidateAfterInactivity(TimeValue.ofSeconds(1))',
      why: 'looks whether the server has closed before a connection is used again',
    },
    {
      for: 'Node.js client',
      setting: 'a supported version of node, and retry once when request.reusedSocket is true',
      why: 'documented way for ECONNRESET on a reused socket',
    },
    {
      for: 'HikariCP-like HTTP pools',
      setting: 'test on borrow',
      why: 'a check when the connection is taken, not when it is put back',
    },
    {
      for: 'the client',
      setting: 'do not block the event loop; a shorter idle limit than the server’s',
      why: 'then the question does not arise',
    },
  ],
  onLostRequest: (lost) => {
    if (lost.by !== 'server' || lost.knewSince === null || lost.closeSaidBefore !== 'none') return null;
    // With an acknowledgement of its own its time is known. One that rides on the request proves as much, but then the FIN may have
    // been under way for up to a round trip, as the capture was made.
    const sinceAckNs = lost.requestAt.atNs - lost.knewSince.atNs;
    const sinceFinNs = lost.requestAt.atNs - lost.closeAt.atNs - lost.roundTripNs;
    const laterNs = Math.max(sinceAckNs, sinceFinNs);
    if (laterNs < Math.max(leastKnowingNs, lost.roundTripNs)) return null;
    return {
      packets: [lost.closeAt.packet, lost.knewSince.packet, lost.requestAt.packet],
      lostRequests: lost.pending,
      text: () =>
        `For example connection #${lost.connection}: the FIN (packet ${lost.closeAt.packet}) was acknowledged in packet ${lost.knewSince?.packet}, and ${requestWords(lost)} left ${durationWords(laterNs)} or more after the news had come (packet ${lost.requestAt.packet}).`,
    };
  },
  sum: ({ lostRequests, requests }) =>
    `${lostRequests} of ${counted(requests, 'request')} (${percentWords(lostRequests, requests)}) left after the client’s machine had acknowledged the server’s close.`,
};
