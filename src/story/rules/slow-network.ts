import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';

const leastNs = 200e6;
const leastRoundTrips = 4;

export const slowNetwork: Rule = {
  id: 'slow-network',
  level: 'warning',
  confidence: 'high',
  owner: 'network',
  title: 'The network kept callers waiting',
  prose:
    'Packets of the request or of the answer were lost and had to be sent again, and the exchange stood still meanwhile. Each loss costs at ' +
    'least a fifth of a second, repeated losses of the same packet double that each time. Neither program was slow. Look at the path: a ' +
    'saturated line, a bad cable or radio link, a wrong duplex setting, a policer.',
  notToConfuseWith:
    'A slow server (its machine acknowledges at once and then nothing comes, slow-server), and long ways: they cost a steady round trip, not standstills.',
  fixes: [
    {
      for: 'the network',
      setting: 'loss and errors on the path (mtr, interface counters, policer drops)',
      why: 'packets sent twice are packets lost once',
    },
    { for: 'Linux sender', setting: 'net.ipv4.tcp_congestion_control = bbr', why: 'suffers less from random loss' },
  ],
  asks: ['waited-for-network'],
  onConnection: (connection, { longestNetworkNs, roundTripNs }) => {
    const leastWaitNs = Math.max(leastNs, leastRoundTrips * roundTripNs);
    if (longestNetworkNs < leastWaitNs) return null;
    // What came behind bytes that were not captured may have been sent once.
    const { client, server } = connection.tcp.gapBytes;
    if (client + server > 0) return null;
    const slow = connection.exchanges.filter(({ waited, resent, firstByte, requestSeen }) => {
      const whole = waited.client + waited.network + waited.server;
      return resent > 0 && waited.network >= leastWaitNs && 3 * waited.network >= whole && firstByte !== null && requestSeen;
    });
    const [first] = slow;
    if (first === undefined) return null;
    const marks = connection.marks.filter(({ kind }) => kind === 'retransmission' || kind === 'fast-retransmission');
    return {
      count: slow.length,
      packets: marks.length > 0 ? marks.slice(0, 20).map(({ packet }) => packet) : [first.requestAt.packet],
      delayNs: slow.reduce((sum, { waited }) => sum + waited.network, 0),
      text: () =>
        `For example connection #${connection.id}: ${requestWords(first)} (packet ${first.requestAt.packet}) waited ${durationWords(first.waited.network)} for the network, ${counted(first.resent, 'packet')} sent again.`,
    };
  },
  sum: ({ count, requests, delayNs }) =>
    `${count} of ${counted(requests, 'request')} stood still because of lost packets, ${durationWords(delayNs)} together.`,
};
