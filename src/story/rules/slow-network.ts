import type { Hit, Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import { isMeantToWait } from '../meant-to-wait.js';
import type { Connection, Exchange } from '../model.js';

const leastNs = 200e6;
const leastRoundTrips = 4;
/** A message that took so long for its size alone, when it is at least so large, and nothing else took a third of the time. */
const filled = { leastNs: 1e9, leastBytes: 65_536, share: 2 / 3 } as const;

export const slowNetwork: Rule = {
  id: 'slow-network',
  level: 'warning',
  confidence: 'high',
  owner: 'network',
  title: 'The network kept callers waiting',
  prose:
    'Packets of the request or of the answer were lost and had to be sent again, and the exchange stood still meanwhile: for a round trip ' +
    'where more packets followed, for a fifth of a second or more where none did, and twice as long each time the same packet is lost. ' +
    'Neither program was slow. Look at the path: a saturated line, a bad cable or radio link, a wrong duplex setting, a policer. Or ' +
    'nothing was lost and a large message merely took long: then its sender always had more to send, and the way did not take it.',
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
    return stalls(connection, leastWaitNs) ?? filledTheWay(connection);
  },
  sum: ({ count, requests, delayNs }) =>
    `${count} of ${counted(requests, 'request')} waited for the network, ${durationWords(delayNs)} together.`,
};

function stalls(connection: Connection, leastWaitNs: number): Hit | null {
  const slow = connection.exchanges.filter(({ waited, stalledMs, resent, firstByte, requestSeen }) => {
    const whole = waited.client + waited.network + waited.server;
    const isStalled = resent > 0 && stalledMs * 1e6 >= leastWaitNs && 3 * waited.network >= whole;
    return isStalled && firstByte !== null && requestSeen;
  });
  const [first] = slow;
  if (first === undefined) return null;
  const marks = connection.marks.filter(({ kind }) => kind === 'retransmission' || kind === 'fast-retransmission');
  return {
    count: slow.length,
    packets: marks.length > 0 ? marks.slice(0, 20).map(({ packet }) => packet) : [first.requestAt.packet],
    delayNs: slow.reduce((sum, { stalledMs }) => sum + stalledMs * 1e6, 0),
    text: () =>
      `For example connection #${connection.id}: ${requestWords(first)} (packet ${first.requestAt.packet}) stood still for ${durationWords(first.stalledMs * 1e6)} because packets were lost, ${counted(first.resent, 'packet')} sent again.`,
  };
}

/** Nothing was lost: that a large message takes its time is no fault, but worth knowing when someone asks why. */
function filledTheWay(connection: Connection): Hit | null {
  if (connection.tcp.lostSegments.client + connection.tcp.lostSegments.server > 0) return null;
  const full = connection.exchanges.filter((exchange) => {
    const { waited, requestSeen, responseEnd, requestBodyBytes, responseBodyBytes, resent } = exchange;
    const whole = waited.client + waited.network + waited.server;
    const isLarge = Math.max(requestBodyBytes, responseBodyBytes) >= filled.leastBytes;
    const isSlow = waited.network >= Math.max(filled.leastNs, filled.share * whole);
    return isLarge && isSlow && resent === 0 && requestSeen && responseEnd !== null && !isMeantToWait(exchange);
  });
  const [first] = full;
  if (first === undefined) return null;
  return {
    level: 'info',
    confidence: 'medium',
    count: full.length,
    packets: [first.requestAt.packet, first.responseEnd!.packet],
    delayNs: full.reduce((sum, { waited }) => sum + waited.network, 0),
    text: () => `For example connection #${connection.id}: ${rateWords(first)}`,
  };
}

function rateWords({ method, target, requestAt, responseEnd, requestBodyBytes, responseBodyBytes, waited }: Exchange): string {
  const byteCount = Math.max(requestBodyBytes, responseBodyBytes);
  const megabits = ((8 * byteCount) / (waited.network / 1e9) / 1e6).toPrecision(3);
  return `the ${counted(byteCount, 'byte')} of ${requestWords({ method, target })} (packets ${requestAt.packet} to ${responseEnd!.packet}) took ${durationWords(waited.network)} on the way, ${megabits} Mbit/s; nothing was lost, and neither side held them up.`;
}
