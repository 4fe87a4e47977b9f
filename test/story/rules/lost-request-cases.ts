/** Cases of the rules about requests that were lost because their connection ended: for each rule conversations that fire it and near misses that do not. */

import { each } from '../conversation.js';
import { answered, holes, idleCloses } from './common-conversations.js';
import { record, usedEncrypted } from './encrypted-conversation.js';
import type { RuleCase } from './rule-case.js';

const alert = record(21, 26);

export const lostRequestCases: readonly RuleCase[] = [
  {
    rule: 'stale-reuse',
    name: 'a POST crosses the server’s FIN',
    story: `${answered}
      5.150 << FIN ; unacked
      5.151 >> POST /order body 20 ; crossing
      5.172 << RST`,
    finding: { level: 'bad', confidence: 'high', owner: 'server', connections: [0], packets: [8, 9], lostRequests: 1 },
  },
  {
    rule: 'stale-reuse',
    name: 'the FIN does not acknowledge the request captured before it',
    story: `${answered}
      5.140 >> POST /order body 20 ; unacked
      5.150 << FIN ; crossing
      5.172 << RST`,
    finding: { level: 'bad', confidence: 'high', packets: [8, 9] },
  },
  {
    rule: 'stale-reuse',
    name: 'long behind the FIN, whose acknowledgement was not captured: the client may have known',
    story: `${answered}
      5.150 << FIN ; unacked
      5.450 >> POST /order body 20 ; crossing
      5.472 << RST`,
    finding: { level: 'bad', confidence: 'medium', connections: [0] },
  },
  {
    rule: 'stale-reuse',
    name: 'a request that acknowledges the FIN itself, less than a round trip behind it: the client may have known',
    story: `${answered}
      5.150 << FIN ; unacked
      5.154 >> POST /order body 20
      5.172 << RST`,
    finding: { level: 'bad', confidence: 'medium', connections: [0] },
  },
  {
    rule: 'stale-reuse',
    name: 'a request that acknowledges the FIN itself, sooner than any program can know of it',
    story: `${answered}
      5.1500 << FIN ; unacked
      5.1505 >> POST /order body 20
      5.1720 << RST`,
    finding: { level: 'bad', confidence: 'high', connections: [0] },
  },
  {
    rule: 'stale-reuse',
    name: 'a reset just when the idle timer, known from other connections, runs out',
    story: `${idleCloses}
      30     open
      30.1   >> GET /a
      30.15  << 200 body 5
      35.151 >> POST /order body 9
      35.172 << RST`,
    finding: { level: 'bad', confidence: 'high', connections: [4] },
  },
  {
    rule: 'stale-reuse',
    name: 'a reset just when the announced time runs out',
    story: `
      0      open
      0.1    >> GET /a
      0.15   << 200 body 5 | Keep-Alive: timeout=5
      5.151  >> POST /order body 9
      5.172  << RST`,
    finding: { confidence: 'high' },
  },
  {
    rule: 'stale-reuse',
    name: 'a reset at once after an idle time that another connection survived',
    story: `${answered}
      8.15  >> GET /second
      8.2   << 200 body 5
      #1 10    open
      #1 10.1  >> GET /first
      #1 10.15 << 200 body 5
      #1 13.15 >> POST /reset body 20
      #1 13.175 << RST`,
    finding: null,
  },
  {
    rule: 'stale-reuse',
    name: 'a FIN behind a request that the server had acknowledged and worked on',
    story: `${answered}
      2.15  >> POST /order body 20
      2.65  << FIN`,
    finding: null,
  },
  {
    rule: 'stale-reuse',
    name: 'a FIN while idle, and a new connection for the next request',
    story: `${answered}
      5.15  << FIN
      5.16  >> FIN
      #1 5.2  open
      #1 5.3  >> GET /second
      #1 5.4  << 200 body 5`,
    finding: null,
  },
  {
    rule: 'stale-reuse',
    name: 'a request into an announced close',
    story: `
      0     open
      0.1   >> GET /first
      0.15  << 200 body 5 | Connection: close
      0.20  >> GET /second
      0.201 << FIN ; crossing
      0.22  << RST`,
    finding: null,
  },
  {
    rule: 'request-after-close',
    name: 'another request although the answer announced the close',
    story: `
      0     open
      0.1   >> GET /first
      0.15  << 200 body 5 | Connection: close
      0.20  >> GET /second
      0.201 << FIN ; crossing
      0.22  << RST`,
    finding: { level: 'bad', confidence: 'high', owner: 'client', lostRequests: 1 },
  },
  {
    rule: 'request-after-close',
    name: 'two requests pipelined before the close was announced',
    story: `
      0     open
      0.1   >> GET /first
      0.101 >> GET /second
      0.15  << 200 body 5 | Connection: close
      0.151 << FIN
      0.20  >> FIN`,
    finding: null,
  },
  {
    rule: 'request-after-close',
    name: 'behind an answer whose end is the close',
    story: `
      0     open
      0.1   >> GET /first
      0.15  << 200 until-close 5 | Connection: close
      0.151 << FIN
      0.3   >> GET /second
      0.32  << RST`,
    finding: { level: 'bad', confidence: 'high', owner: 'client', connections: [0], lostRequests: 1 },
  },
  {
    rule: 'request-after-close',
    name: 'a request captured behind its answer',
    story: `
      0      open
      0.1500 << 200 body 5 | Connection: close ; unacked
      0.1501 >> GET /first
      0.1502 << FIN`,
    finding: null,
  },
  {
    rule: 'reuse-after-fin',
    name: 'a request three seconds after the FIN was acknowledged',
    story: `${answered}
      5.15  << FIN
      8.2   >> GET /second
      8.22  << RST`,
    finding: { level: 'bad', confidence: 'high', owner: 'client', packets: [8, 9, 10], lostRequests: 1 },
  },
  {
    rule: 'reuse-after-fin',
    name: 'a request less than a round trip after the acknowledgement',
    story: `${answered}
      5.150 << FIN
      5.151 >> ACK
      5.160 >> GET /second
      5.18  << RST`,
    finding: null,
  },
  {
    rule: 'pipeline-tail-dropped',
    name: 'three pipelined requests, one answer',
    story: `
      0     open
      0.1   >> GET /1
      0.101 >> GET /2
      0.102 >> GET /3
      0.15  << 200 body 5 | Connection: close
      0.151 << FIN
      0.17  >> FIN`,
    finding: { level: 'warning', confidence: 'high', owner: 'client', lostRequests: 2 },
  },
  {
    rule: 'pipeline-tail-dropped',
    name: 'three pipelined requests, three answers',
    story: `
      0     open
      0.1   >> GET /1
      0.101 >> GET /2
      0.102 >> GET /3
      0.15  << 200 body 5
      0.151 << 200 body 5
      0.152 << 200 body 5 | Connection: close
      0.153 << FIN
      0.17  >> FIN`,
    finding: null,
  },
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
  {
    rule: 'tls-stale-reuse',
    name: 'data crosses the close',
    story: `${usedEncrypted}
      5.3   << ${alert}
      5.3   << FIN
      5.301 >> ${record(23, 120)} ; crossing
      5.35  << RST`,
    finding: { level: 'bad', confidence: 'high', owner: 'server', connections: [0], says: /after 5.00 s of idleness/ },
  },
  {
    rule: 'tls-stale-reuse',
    name: 'behind requests as short as requests can be',
    story: `
      0     open
      0.1   >> ${record(22, 250)}
      0.15  << ${record(22, 900)}
      0.2   >> ${record(23, 53)}
      0.21  >> ${record(23, 60)}
      0.3   << ${record(23, 300)}
      5.3   << ${alert}
      5.3   << FIN
      5.301 >> ${record(23, 300)} ; crossing
      5.35  << RST`,
    finding: { level: 'bad', confidence: 'high', owner: 'server', connections: [0] },
  },
  {
    rule: 'tls-stale-reuse',
    name: 'two small frames of HTTP/2 ask for nothing',
    story: `${usedEncrypted}
      5.3   << ${alert}
      5.3   << FIN
      5.301 >> ${record(23, 43)} ; crossing
      5.35  << RST`,
    finding: null,
  },
  {
    rule: 'tls-stale-reuse',
    name: 'the client says farewell, too, and is reset',
    story: `${usedEncrypted}
      5.3   << ${alert}
      5.3   << FIN
      5.33  >> ${alert}
      5.35  << RST`,
    finding: null,
  },
  {
    rule: 'tls-stale-reuse',
    name: 'data that is answered before the close',
    story: `${usedEncrypted}
      5.2   >> ${record(23, 120)}
      5.3   << ${record(23, 300)}
      5.31  << ${alert}
      5.31  << FIN`,
    finding: null,
  },
  {
    rule: 'tls-stale-reuse',
    name: 'the first that is sent is refused by the server’s TLS',
    story: `
      0     open
      0.1   >> ${record(22, 250)}
      0.15  << ${record(22, 900)}
      1.2   << ${alert}
      1.2   << FIN
      1.201 >> ${record(23, 150)} ; crossing
      1.25  << RST`,
    finding: null,
  },
];
