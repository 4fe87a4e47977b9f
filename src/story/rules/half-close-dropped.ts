import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';

/** A FIN this soon behind a request, besides a round trip, is how the request was sent; nobody has lost patience yet. */
const atOnceNs = 20e6;

export const halfCloseDropped: Rule = {
  id: 'half-close-dropped',
  level: 'warning',
  confidence: 'medium',
  owner: 'server',
  title: 'The server dropped the answer because the client had closed its sending side',
  prose:
    'The client sent its request and said at once that it has nothing more to send (a half-close: its FIN). That is allowed, and it goes on ' +
    'listening. The server took the FIN for a hang-up, closed too, and threw the answer away. Simple programs send that way (nc, scripts, ' +
    'old proxies), and they get nothing, while clients that keep their side open get answers from the same server.',
  notToConfuseWith:
    'A caller that leaves after a wait (client-gave-up), and one that has closed completely: its machine refuses what still comes with a ' +
    'reset, but with no answer on its way the packets are the same.',
  fixes: [
    {
      for: 'Node.js server',
      setting: 'server.httpAllowHalfOpen = true',
      why: 'by default it ends the connection at the client’s FIN, whatever is still being worked on',
    },
    {
      for: 'nginx as proxy',
      setting: 'proxy_ignore_client_abort on;',
      why: 'by default it gives up the request when the client’s FIN comes',
    },
    {
      for: 'HAProxy',
      setting: 'no option abortonclose',
      why: 'with the option it gives up requests whose client has half-closed',
    },
    {
      for: 'the client',
      setting: 'close, or shut down sending, only after the answer (nc without -N; no shutdown(SHUT_WR))',
      why: 'many servers take a half-close for a hang-up',
    },
  ],
  onLostRequest: (lost) => {
    const { by, how, whole, waitedNs, roundTripNs, serverFin, reset, closeAt, requestAt } = lost;
    if (by !== 'client' || how !== 'fin' || !whole || reset !== null || serverFin === null) return null;
    if (waitedNs < 0 || waitedNs > atOnceNs + roundTripNs || serverFin.atNs < closeAt.atNs) return null;
    return {
      packets: [requestAt.packet, closeAt.packet, serverFin.packet],
      lostRequests: lost.pending,
      text: () =>
        `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${requestAt.packet}), the client’s FIN ${durationWords(waitedNs)} behind it (packet ${closeAt.packet}), and ${durationWords(serverFin.atNs - closeAt.atNs)} later the server’s (packet ${serverFin.packet}) instead of an answer.`,
    };
  },
  sum: ({ lostRequests, requests }) => `${lostRequests} of ${counted(requests, 'request')} got no answer behind a half-close.`,
};
