import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';

/** The first repetition of a SYN comes after a second (RFC 6298 §2.1). */
const leastNs = 900e6;

export const lostOpening: Rule = {
  id: 'lost-opening',
  level: 'warning',
  confidence: 'high',
  owner: 'network',
  title: 'Connections opened late because the opening had to be repeated',
  prose:
    'The first packet of the connection, or the answer to it, got lost and had to be sent again after a second (then three, then seven). ' +
    'Callers see waits of just those lengths before anything happens. Single cases are ordinary packet loss. Many at once point to a ' +
    'server whose queue of new connections is full.',
  notToConfuseWith: 'Openings that were never answered (no-answer), and a long way to the server: there every handshake is slow.',
  fixes: [
    {
      for: 'Linux server',
      setting: 'net.core.somaxconn and the backlog of listen()',
      why: 'nstat TcpExtListenDrops counts what the full queue dropped',
    },
    { for: 'the client', setting: 'reuse connections', why: 'a kept connection needs no opening' },
  ],
  asks: ['syn-again'],
  onConnection: ({ id, tcp, handshakeNs, opened }) => {
    if (handshakeNs === null || handshakeNs < leastNs || tcp.syns.client + tcp.syns.server < 3) return null;
    return {
      packets: [opened.packet],
      delayNs: handshakeNs,
      text: () =>
        `For example connection #${id}: ${durationWords(handshakeNs)} until it was open (from packet ${opened.packet} on).`,
    };
  },
  sum: ({ count, connections, delayNs }) =>
    `${count} of ${counted(connections, 'connection')} opened late, ${durationWords(delayNs)} together.`,
};
