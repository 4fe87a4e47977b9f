/** Cases of the rules about answers that were cut, and of how connections end and are used again: for each rule conversations that fire it and near misses that do not. */

import { each } from '../conversation.js';
import { answered, holes } from './common-conversations.js';
import type { RuleCase } from './rule-case.js';

export const closingCases: readonly RuleCase[] = [
  {
    rule: 'response-cut',
    name: 'a listener that has heard enough of a stream of events',
    story: `
      0     open
      0.1   >> GET /news
      0.2   << 200 half-chunked 20 | Content-Type: text/event-stream
      3.1   >> FIN
      3.15  << FIN`,
    finding: null,
  },
  {
    rule: 'response-cut',
    name: 'a FIN after 100 of 1000 bytes',
    story: `
      0     open
      0.1   >> GET /large
      0.2   << 200 length 1000 body 100
      0.3   << FIN
      0.35  >> FIN`,
    finding: { level: 'bad', confidence: 'high', owner: 'server', packets: [6, 8], lostRequests: 1, says: /100 of 1000 bytes/ },
  },
  {
    rule: 'response-cut',
    name: 'a reset before the last chunk',
    story: `
      0     open
      0.1   >> GET /large
      0.2   << 200 half-chunked 100
      0.3   << RST`,
    finding: { level: 'bad', confidence: 'high' },
  },
  {
    rule: 'response-cut',
    name: 'the client stops the download',
    story: `
      0     open
      0.1   >> GET /large
      0.2   << 200 length 1000 body 100
      0.3   >> RST`,
    finding: { level: 'info', owner: 'client', lostRequests: 0 },
  },
  {
    rule: 'response-cut',
    name: 'an answer that ends with the connection',
    story: `
      0     open
      0.1   >> GET /large HTTP/1.0
      0.2   << 200 until-close 100
      0.3   << FIN
      0.35  >> FIN`,
    finding: null,
  },
  {
    rule: 'response-cut',
    name: 'the capture misses the rest of the answer',
    story: `
      0     open
      0.1   >> GET /large
      0.2   << 200 length 1000 body 100
      0.25  << data 900 ; uncaptured
      0.3   << FIN
      0.35  >> FIN`,
    finding: null,
  },
  {
    rule: 'response-cut',
    name: 'the capture misses the FIN of a client that has heard enough',
    story: `
      0     open
      0.1   >> GET /news
      0.2   << 200 half-chunked 20
      3.1   >> FIN ; uncaptured
      3.15  << FIN`,
    finding: null,
  },
  {
    rule: 'response-lost-to-reset',
    name: '413 while the upload comes, then a reset',
    story: `
      0     open
      0.1   >> POST /upload length 100000 body 1000
      0.15  << 413 body 5 | Connection: close
      0.16  << FIN
      0.17  >> data 5000
      0.19  << RST`,
    finding: { level: 'bad', confidence: 'medium', owner: 'server', connections: [0] },
  },
  {
    rule: 'response-lost-to-reset',
    name: '413 behind the whole upload, then a reset',
    story: `
      0     open
      0.1   >> POST /upload body 1000
      0.15  << 413 body 5 | Connection: close
      0.16  << FIN
      0.19  << RST`,
    finding: null,
  },
  {
    rule: 'half-open',
    name: 'the client stays for 90 s behind the server’s FIN',
    story: `${answered}
      5.15  << FIN
      95.2  >> PROBE
      95.25 << RST`,
    finding: { level: 'warning', confidence: 'high', owner: 'client', connections: [0], says: /stayed for 90\.1 s/ },
  },
  {
    rule: 'half-open',
    name: 'in a capture that misses packets here and there, so may the other FIN',
    story: `${holes}
      ${answered}
      5.15  << FIN
      #20 95 open`,
    finding: null,
  },
  {
    rule: 'half-open',
    name: 'the client closes after 20 s, and is late',
    story: `${answered}
      5.15  << FIN
      25.2  >> FIN
      25.22 << RST`,
    finding: { level: 'info', owner: 'client', connections: [0], says: /stayed for 20\.0 s, until its FIN/ },
  },
  {
    rule: 'half-open',
    name: 'the client answers the FIN after 0.1 s',
    story: `${answered}
      5.15  << FIN
      5.25  >> FIN`,
    finding: null,
  },
  {
    rule: 'late-reset',
    name: 'a reset behind both FINs',
    story: `${answered}
      5.15  << FIN
      5.16  >> FIN
      5.18  << ACK
      5.19  >> RST`,
    finding: { level: 'info' },
  },
  {
    rule: 'late-reset',
    name: 'a reset behind one FIN',
    story: `${answered}
      5.15  << FIN
      5.19  >> RST`,
    finding: null,
  },
  {
    rule: 'unused-connection',
    name: 'opened and closed without a byte',
    story: `
      0     open
      4     >> FIN
      4.02  << FIN`,
    finding: { level: 'info', confidence: 'high', connections: [0] },
  },
  {
    rule: 'unused-connection',
    name: 'opened and used',
    story: `${answered}
      4     >> FIN
      4.02  << FIN`,
    finding: null,
  },
  {
    rule: 'deploy-burst',
    name: 'ten connections, idle for 1 to 10 s, closed within one second',
    story: `${each(
      10,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /
      #${n} ${n}.2   << 200 body 5`,
    )}
      ${each(10, (n) => `#${n} 12.${n} << FIN\n#${n} 12.${n}5 >> FIN`)}`,
    finding: { level: 'warning', owner: 'server', count: 10 },
  },
  {
    rule: 'deploy-burst',
    name: 'ten idle timers that run out together',
    story: `${each(
      10,
      (n) => `
      #${n} 0.${n}     open
      #${n} 0.${n}4   >> GET /
      #${n} 0.${n}6   << 200 body 5`,
    )}
      ${each(10, (n) => `#${n} 5.${n}6 << FIN\n#${n} 5.${n}9 >> FIN`)}`,
    finding: null,
  },
  {
    rule: 'reuse-disabled',
    name: 'six requests with Connection: close',
    story: each(
      6,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET / | Connection: close
      #${n} ${n}.2   << 200 body 5 | Connection: close
      #${n} ${n}.201 << FIN
      #${n} ${n}.25  >> FIN`,
    ),
    finding: { level: 'warning', confidence: 'high', owner: 'client', count: 6 },
  },
  {
    rule: 'reuse-disabled',
    name: 'a health check every two seconds',
    story: each(
      6,
      (n) => `
      #${n} ${2 * n}     open
      #${n} ${2 * n}.1   >> GET /health HTTP/1.0
      #${n} ${2 * n}.2   << 200 body 5 | Connection: close
      #${n} ${2 * n}.201 << FIN
      #${n} ${2 * n}.25  >> FIN`,
    ),
    finding: { level: 'info', says: /costs little/ },
  },
  {
    rule: 'reuse-disabled',
    name: 'one request with Connection: close at the end of several',
    story: `
      0    open
      ${each(6, (n) => `${n}.1 >> GET /\n${n}.2 << 200 body 5`)}
      7.1  >> GET / | Connection: close
      7.2  << 200 body 5 | Connection: close
      7.3  << FIN
      7.4  >> FIN`,
    finding: null,
  },
  {
    rule: 'reuse-works',
    name: 'six requests on one connection',
    story: `
      0    open
      ${each(6, (n) => `${n}.1 >> GET /\n${n}.2 << 200 body 5`)}`,
    finding: { level: 'good', says: /6 requests on 1 connection/ },
  },
  {
    rule: 'reuse-works',
    name: 'six requests on six connections',
    story: each(
      6,
      (n) => `#${n} ${n} open\n#${n} ${n}.1 >> GET /\n#${n} ${n}.2 << 200 body 5\n#${n} ${n}.3 >> FIN\n#${n} ${n}.4 << FIN`,
    ),
    finding: null,
  },
];
