/** Cases of the rules about requests that waited for an answer when their connection ended, and about who ended it. */

import { each } from '../conversation.js';
import { answered, holes } from './common-conversations.js';
import type { RuleCase } from './rule-case.js';

export const endedWaitCases: readonly RuleCase[] = [
  {
    rule: 'server-died',
    name: 'a reset while a request waits, then a refusal',
    story: `${answered}
      1     >> GET /slow
      1.8   << RST
      #1 2    >> SYN
      #1 2.02 << RST`,
    finding: { level: 'bad', confidence: 'high', owner: 'server', connections: [0], lostRequests: 1 },
  },
  {
    rule: 'server-died',
    name: 'in a capture that misses packets here and there: answers in between may be among them',
    story: `${holes}
      ${answered}
      1     >> GET /slow
      1.8   << RST
      #1 2    >> SYN
      #1 2.02 << RST`,
    finding: { level: 'bad', confidence: 'medium', connections: [0] },
  },
  {
    rule: 'server-died',
    name: 'a request behind the close of the server that ended did not wait for it',
    story: `${answered}
      5.150 << FIN ; unacked
      5.151 >> POST /order body 20 ; crossing
      5.172 << RST
      #1 6    >> SYN
      #1 6.02 << RST`,
    finding: null,
  },
  {
    rule: 'server-died',
    name: 'a reset while a request waits, then a new connection that works',
    story: `${answered}
      1     >> GET /slow
      1.8   << RST
      #1 2    open
      #1 2.1  >> GET /slow
      #1 2.2  << 200 body 5`,
    finding: null,
  },
  {
    rule: 'cut-while-waiting',
    name: 'three waits cut after two seconds each',
    story: each(
      3,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /slow${n}
      #${n} ${n + 2}.1 << FIN
      #${n} ${n + 2}.2 >> FIN`,
    ),
    finding: { level: 'bad', confidence: 'high', owner: 'proxy', connections: [0, 1, 2], lostRequests: 3, says: /after 2\.00 s/ },
  },
  {
    rule: 'cut-while-waiting',
    name: 'three waits cut after two seconds each, and a fourth that was answered after three',
    story: `${each(
      3,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /slow${n}
      #${n} ${n + 2}.1 << FIN
      #${n} ${n + 2}.2 >> FIN`,
    )}
      #4 10    open
      #4 10.1  >> GET /slower
      #4 13.1  << 200 body 5`,
    finding: null,
  },
  {
    rule: 'cut-while-waiting',
    name: 'three requests that began together and were cut together: one cause, which need not be a timer',
    story: each(
      3,
      (n) => `
      #${n} 0.${n}    open
      #${n} 1.00${n}  >> GET /slow${n}
      #${n} 2.30${n}  << FIN
      #${n} 2.4${n}   >> FIN`,
    ),
    finding: null,
  },
  {
    rule: 'cut-while-waiting',
    name: 'three waits that end at three different times',
    story: each(
      3,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /slow${n}
      #${n} ${n * 2 + 1}.4 << FIN
      #${n} ${n * 2 + 1}.5 >> FIN`,
    ),
    finding: null,
  },
  {
    rule: 'client-gave-up',
    name: 'a poll that its client ends',
    story: `
      0     open
      0.1   >> GET /long-poll
      5.1   >> FIN
      5.2   << FIN`,
    finding: null,
  },
  {
    rule: 'client-gave-up',
    name: 'the client closes after three seconds without an answer',
    story: `
      0     open
      0.1   >> GET /slow
      3.1   >> FIN
      3.12  << FIN`,
    finding: { level: 'warning', confidence: 'high', connections: [0], lostRequests: 1 },
  },
  {
    rule: 'client-gave-up',
    name: 'the client changes its mind at once',
    story: `
      0     open
      0.1   >> GET /slow
      0.3   >> FIN
      0.32  << FIN`,
    finding: null,
  },
  {
    rule: 'client-gave-up',
    name: 'two clients close after 0.4 s each',
    story: each(
      2,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /slow
      #${n} ${n}.5   >> FIN
      #${n} ${n}.52  << FIN`,
    ),
    finding: { level: 'warning', confidence: 'medium', connections: [0, 1], lostRequests: 2 },
  },
  {
    rule: 'client-gave-up',
    name: 'two connections of a client end at one moment: it was ended',
    story: each(
      2,
      (n) => `
      #${n} 0.0${n}     open
      #${n} 0.10${n}   >> GET /slow
      #${n} 0.50${n}   >> FIN
      #${n} 0.52${n}  << FIN`,
    ),
    finding: null,
  },
  {
    rule: 'client-gave-up',
    name: 'the answer comes to a client that has closed, and is refused',
    story: `
      0     open
      0.1   >> GET /slow
      1.4   >> FIN
      2.5   << 200 body 5
      2.501 >> RST`,
    finding: { level: 'warning', confidence: 'high', connections: [0], lostRequests: 1 },
  },
  {
    rule: 'proxy-gave-up',
    name: 'a proxy closes after two seconds and tells its caller 504',
    story: `
      server 10.0.0.2:80
      #0 0     open
      client 10.0.0.2
      server 10.0.0.3:8080
      #1 0.05  open
      #0 0.1   >> GET /slow
      #1 0.12  >> GET /slow
      #1 2.12  >> FIN
      #1 2.13  << FIN
      #0 2.14  << 504 body 5`,
    finding: { level: 'bad', confidence: 'high', owner: 'server', connections: [1, 0], lostRequests: 1 },
  },
  {
    rule: 'proxy-gave-up',
    name: 'a proxy that says 503, as Varnish does',
    story: `
      server 10.0.0.2:80
      #0 0     open
      client 10.0.0.2
      server 10.0.0.3:8080
      #1 0.05  open
      #0 0.1   >> GET /slow
      #1 0.12  >> GET /slow
      #1 2.12  >> FIN
      #1 2.13  << FIN
      #0 2.14  << 503 body 5`,
    finding: { level: 'bad', confidence: 'high', owner: 'server', connections: [1, 0], says: /said 503 to its caller/ },
  },
  {
    rule: 'proxy-gave-up',
    name: 'the proxy answers by other means',
    story: `
      server 10.0.0.2:80
      #0 0     open
      client 10.0.0.2
      server 10.0.0.3:8080
      #1 0.05  open
      #0 0.1   >> GET /slow
      #1 0.12  >> GET /slow
      #1 2.12  >> FIN
      #1 2.13  << FIN
      #0 2.14  << 200 body 5`,
    finding: null,
  },
  {
    rule: 'half-close-dropped',
    name: 'a half-close right behind the request, and a FIN instead of an answer',
    story: `
      0     open
      0.1   >> GET /slow
      0.101 >> FIN
      0.102 << FIN`,
    finding: { level: 'warning', confidence: 'medium', owner: 'server', connections: [0], lostRequests: 1 },
  },
  {
    rule: 'half-close-dropped',
    name: 'a half-close right behind the request, which is answered',
    story: `
      0     open
      0.1   >> GET /slow
      0.101 >> FIN
      0.9   << 200 body 5
      0.901 << FIN`,
    finding: null,
  },
  {
    rule: 'closed-without-answer',
    name: 'a request long behind the close is not counted with the one before it',
    story: `${answered}
      1     >> GET /second
      1.02  << ACK
      1.5   << FIN
      8     >> GET /third
      8.02  << RST`,
    finding: { level: 'bad', lostRequests: 1, connections: [0] },
  },
  {
    rule: 'closed-without-answer',
    name: 'the client stops in the middle of its request, and the server’s patience ends',
    story: `${answered}
      1     >> POST /upload length 90000 body 1000
      3.1   << FIN
      3.13  >> FIN`,
    finding: { level: 'bad', confidence: 'medium', owner: 'client', says: /nothing more of it came for 2\.10 s/ },
  },
  {
    rule: 'closed-without-answer',
    name: 'a FIN in the middle of an upload on a reused connection, which acknowledges its head and not its newest part',
    story: `${answered}
      1     >> POST /upload length 90000 body 1000
      1.1   >> data 1000
      1.13  >> data 1000 ; unacked
      1.14  << FIN ; crossing
      1.16  << RST`,
    finding: { level: 'bad', confidence: 'medium', lostRequests: 1, connections: [0] },
  },
  {
    rule: 'closed-without-answer',
    name: 'the FIN acknowledges nothing of the upload that it met: that is stale-reuse',
    story: `${answered}
      5.140 >> POST /upload length 90000 body 1000 ; unacked
      5.150 << FIN ; crossing
      5.172 << RST`,
    finding: null,
  },
  {
    rule: 'closed-without-answer',
    name: 'a FIN instead of an answer',
    story: `
      0     open
      0.1   >> GET /crash
      0.7   << FIN
      0.72  >> FIN`,
    finding: { level: 'bad', confidence: 'high', owner: 'server', packets: [4, 6], lostRequests: 1 },
  },
  {
    rule: 'closed-without-answer',
    name: 'a FIN behind the answer',
    story: `
      0     open
      0.1   >> GET /fine
      0.7   << 200 body 5
      0.701 << FIN
      0.72  >> FIN`,
    finding: null,
  },
  {
    rule: 'closed-without-answer',
    name: 'the capture misses the answer and the close',
    story: `
      0     open
      0.1   >> GET /
      0.12  << ACK
      0.15  << 200 body 5 ; uncaptured unacked
      0.2   << FIN ; uncaptured unacked
      0.3   >> ACK ; uncaptured
      0.4   << RST`,
    finding: null,
  },
  {
    rule: 'closed-without-answer',
    name: 'the clock was set back before a late request',
    story: `${answered}
      clock -4 from 5.3
      5.2   << FIN
      5.4   >> POST /order body 9
      5.42  << RST`,
    finding: null,
  },
  {
    rule: 'closed-without-answer',
    name: 'neither the SYN-ACK nor the answer was captured',
    story: `
      0     >> SYN
      0.02  << SYN-ACK ; uncaptured
      0.021 >> ACK
      0.1   >> GET /first
      0.15  << 200 body 5 ; uncaptured
      5.15  << FIN
      5.2   >> FIN`,
    finding: null,
  },
];
