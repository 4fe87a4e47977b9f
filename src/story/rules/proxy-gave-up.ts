import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, endpointWords, requestWords } from '../diagnosis-words.js';

/** Sooner it was no timeout. */
const leastWaitNs = 200e6;
/** The proxy answers its own caller this soon around its close. */
const promptNs = 200e6;

export const proxyGaveUp: Rule = {
  id: 'proxy-gave-up',
  level: 'bad',
  confidence: 'high',
  owner: 'server',
  title: 'A proxy gave up waiting for its server and answered 502, 503 or 504',
  prose:
    'The request had arrived at the server, and no byte of an answer came. The proxy in front lost patience, closed its connection to the ' +
    'server and told its own caller 502, 503 or 504. So the error page comes from the proxy, the delay from the server. If the server needs ' +
    'that long, raise the proxy’s response timeout; if not, find out what the server waits for. It may go on working for nobody.',
  notToConfuseWith:
    'A caller that hangs up itself (client-gave-up), and a 502 because the server closed the connection (stale-reuse, closed-without-answer).',
  fixes: [
    {
      for: 'the application',
      setting: 'find out what the requests named here wait for',
      why: 'the server had them and did not answer in time',
    },
    { for: 'HAProxy', setting: 'timeout server 120s', why: 'how long it waits for the server’s next byte; then it answers 504' },
    {
      for: 'nginx as proxy',
      setting: 'proxy_read_timeout 120s;',
      why: 'its default is 60 s without a byte; then it answers 504',
    },
    { for: 'Envoy', setting: 'route: { timeout: 120s }', why: 'its default is 15 s for the whole answer; then it answers 504' },
    {
      for: 'Apache httpd as proxy',
      setting: 'ProxyTimeout 120',
      why: 'its default is Timeout, 60 s; then it answers 502 or 504',
    },
  ],
  onLostRequest: (lost, _server, { gatewayAnswers }) => {
    if (lost.by !== 'client' || !lost.whole || !lost.acknowledged || lost.waitedNs < leastWaitNs) return null;
    const { requestAt, closeAt, connection } = lost;
    const answer = gatewayAnswers.find(
      ({ startNs, answeredNs, connection: own, server }) =>
        own !== connection &&
        startNs <= requestAt.atNs &&
        Math.abs(answeredNs - closeAt.atNs) <= promptNs &&
        isSameHost(server.address, lost.clientAddress),
    );
    if (answer === undefined) return null;
    return {
      packets: [requestAt.packet, closeAt.packet, answer.packet],
      connections: [connection, answer.connection],
      lostRequests: lost.pending,
      delayNs: lost.waitedNs,
      text: () =>
        `For example connection #${connection}: ${requestWords(lost)} (packet ${requestAt.packet}) was given up after ${durationWords(lost.waitedNs)} (packet ${closeAt.packet}), and the proxy ${endpointWords(answer.server)} said ${answer.status} to its caller on #${answer.connection} (packet ${answer.packet}).`,
    };
  },
  sum: ({ lostRequests, requests, delayNs }) =>
    `${lostRequests} of ${counted(requests, 'request')} given up by the proxy, after ${durationWords(delayNs)} of waiting together.`,
};

/** The proxy's address towards its callers need not be the one towards its servers, but on one host it is. */
const isSameHost = (address: string, other: string): boolean =>
  address === other || ((address.startsWith('127.') || address === '::1') && (other.startsWith('127.') || other === '::1'));
