/** Cases of the rules about who kept the caller waiting: for each rule a conversation that fires it and a near miss that does not. */

import { each } from '../conversation.js';
import type { RuleCase } from './rule-case.js';

/** Sixty segments of this size, one every 40 ms; and something in the middle. */
const largeAnswer = (byteCount: number, middle = ''): string => `
      0     open
      0.1   >> GET /large
      0.12  << 200 length ${60 * byteCount} body ${byteCount}
      ${each(59, (n) => `${(0.16 + 0.04 * n).toFixed(2)} << data ${byteCount}${n === 26 ? `\n${middle}` : ''}`)}`;

export const slowCases: readonly RuleCase[] = [
  {
    rule: 'slow-server',
    name: 'acknowledged at once, answered after two seconds',
    story: `
      0     open
      0.1   >> GET /report
      2.1   << 200 body 5`,
    finding: { level: 'warning', confidence: 'high', owner: 'server', connections: [0], says: /waited 1\.98 s for the server/ },
  },
  {
    rule: 'slow-server',
    name: 'answered after half a second',
    story: `
      0     open
      0.1   >> GET /report
      0.6   << 200 body 5`,
    finding: null,
  },
  {
    rule: 'slow-server',
    name: 'a stream of events',
    story: `
      0     open
      0.1   >> GET /news
      0.2   << 200 half-chunked 20 | Content-Type: text/event-stream
      3.1   << text "5\\r\\nhello\\r\\n"
      6.1   << text "0\\r\\n\\r\\n"`,
    finding: null,
  },
  {
    rule: 'slow-server',
    name: 'polls, and “nothing new”',
    story: `
      0     open
      0.1   >> GET /poll?room=7
      3.1   << 200 body 5
      3.2   >> GET /v1/kv/key?index=4&wait=3s
      6.2   << 200 body 5
      6.3   >> GET /updates
      9.3   << 204`,
    finding: null,
  },
  {
    rule: 'slow-server',
    name: 'a page about polls',
    story: `
      0     open
      0.1   >> GET /pollen/report?waiter=7
      3.1   << 200 body 5`,
    finding: { level: 'warning', confidence: 'high' },
  },
  {
    rule: 'slow-server',
    name: 'two seconds lost to the network',
    story: `
      0     open
      0.1   >> GET /report ; lost
      0.7   >> again ; lost
      1.9   >> again
      1.95  << 200 body 5`,
    finding: null,
  },
  {
    rule: 'slow-network',
    name: 'a large answer fills the way: no fault',
    story: largeAnswer(1400),
    finding: {
      level: 'info',
      confidence: 'medium',
      owner: 'network',
      says: /the 84,000 bytes of GET \/large .* took 2\.34 s on the way, 0\.\d+ Mbit\/s; nothing was lost/,
    },
  },
  {
    rule: 'slow-network',
    name: 'a large answer of which a packet was sent again: nobody can say that nothing was lost',
    story: largeAnswer(1400, '1.21 << again'),
    finding: null,
  },
  {
    rule: 'slow-server',
    name: 'a large answer fills the way: the server has more to send all the time',
    story: largeAnswer(1400),
    finding: null,
  },
  {
    rule: 'slow-network',
    name: 'an answer in many small pieces: its server has no more',
    story: largeAnswer(1100),
    finding: null,
  },
  {
    rule: 'slow-server',
    name: 'an answer in many small pieces: its server has no more',
    story: largeAnswer(1100),
    finding: { level: 'warning', confidence: 'high', owner: 'server' },
  },
  {
    rule: 'slow-network',
    name: 'one of many packets is lost, and the next ones show it at once',
    story: `
      0     open
      0.1   >> GET /large
      0.12  << 200 length 84000 body 1400
      0.121 << data 1400 ; lost
      0.122 << data 1400
      0.123 << data 1400
      0.17  << again`,
    finding: null,
  },
  {
    rule: 'slow-network',
    name: 'sent again once, and not for long afterwards: it was acknowledged, and that was not captured',
    story: `
      0     open
      0.1   >> GET /report ; unacked
      0.3   >> again ; unacked
      2.3   << 200 body 5`,
    finding: null,
  },
  {
    rule: 'slow-client',
    name: 'with the payload cut off, a client that waits for 100 Continue',
    story: `
      0     open
      0.1   >> POST /upload length 400 | Expect: 100-continue
      1.6   << text "HTTP/1.1 100 Continue\\r\\n\\r\\n"
      1.65  >> data 400
      1.7   << 200 body 5`,
    finding: null,
  },
  {
    rule: 'slow-network',
    name: 'a request lost twice',
    story: `
      0     open
      0.1   >> GET /report ; lost
      0.4   >> again ; lost
      1     >> again
      1.05  << 200 body 5`,
    finding: { level: 'warning', confidence: 'high', owner: 'network', connections: [0], says: /2 packets sent again/ },
  },
  {
    rule: 'slow-network',
    name: 'a slow server on a network that loses nothing',
    story: `
      0     open
      0.1   >> GET /report
      1.1   << 200 body 5`,
    finding: null,
  },
  {
    rule: 'slow-client',
    name: 'the client’s window is closed for three seconds',
    story: `
      0     open
      0.1   >> GET /large
      0.2   << 200 length 100000 body 50000
      0.3   >> ACK ; window=0
      3.3   >> ACK ; window=60000
      3.4   << data 50000`,
    finding: { level: 'warning', confidence: 'high', owner: 'client', connections: [0], says: /window was closed/ },
  },
  {
    rule: 'slow-client',
    name: 'the rest of the request comes three seconds late',
    story: `
      0     open
      0.1   >> POST /form length 100 body 50
      3.1   >> data 50
      3.2   << 200 body 5`,
    finding: { level: 'warning', owner: 'client', says: /rest of the request came late/ },
  },
  {
    rule: 'slow-client',
    name: 'the window is closed for a tenth of a second',
    story: `
      0     open
      0.1   >> GET /large
      0.2   << 200 length 100000 body 50000
      0.3   >> ACK ; window=0
      0.4   >> ACK ; window=60000
      0.5   << data 50000`,
    finding: null,
  },
  {
    rule: 'nagle-delayed-ack',
    name: 'head and body in two writes, 40 ms apart, twice',
    story: `
      0       open
      ${each(
        2,
        (n) => `
      ${n}.1    >> GET /
      ${n}.102  << 200 length 50 ; delayed=0.04
      ${n}.1425 << data 50`,
      )}`,
    roundTrip: 0.0005,
    finding: { level: 'warning', confidence: 'high', owner: 'server', count: 2, delayMs: 80 },
  },
  {
    rule: 'nagle-delayed-ack',
    name: 'the body comes 60 ms after the head, and 20 ms after its acknowledgement',
    story: `
      0       open
      ${each(
        2,
        (n) => `
      ${n}.1    >> GET /
      ${n}.102  << 200 length 50 ; delayed=0.04
      ${n}.1625 << data 50`,
      )}`,
    roundTrip: 0.0005,
    finding: null,
  },
  {
    rule: 'slow-start-after-idle',
    name: 'flights of 10, 20 and 40 kB after a pause, 60 kB at once before',
    story: `
      0     open
      0.3   >> GET /1
      0.4   << 200 body 60000
      5     >> GET /2
      5.1   << 200 length 70000 body 10000
      5.2   << data 20000
      5.3   << data 40000`,
    roundTrip: 0.1,
    finding: { level: 'info', owner: 'server', count: 1, says: /flights of/ },
  },
  {
    rule: 'slow-start-after-idle',
    name: 'the same without a pause before',
    story: `
      0     open
      0.3   >> GET /1
      0.4   << 200 body 60000
      0.45  >> GET /2
      0.55  << 200 length 70000 body 10000
      0.65  << data 20000
      0.75  << data 40000`,
    roundTrip: 0.1,
    finding: null,
  },
  {
    rule: 'framing-desync',
    name: 'more bytes than Content-Length says',
    story: `
      0     open
      0.1   >> GET /1
      0.2   << 200 length 5 body 40
      0.3   >> GET /2
      0.4   << 200 body 5`,
    finding: { level: 'bad', confidence: 'medium', owner: 'server', connections: [0] },
  },
  {
    rule: 'framing-desync',
    name: 'an empty line between two requests',
    story: `
      0     open
      0.1   >> GET /1
      0.2   << 200 body 5
      0.3   >> text "\\r\\n"
      0.31  >> GET /2
      0.4   << 200 body 5`,
    finding: null,
  },
];
