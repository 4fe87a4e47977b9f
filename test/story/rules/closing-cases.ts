/** Cases of the rules about the closing of connections: for each rule a conversation that fires it and a near miss that does not. */

import { each } from '../conversation.js';
import { record, usedEncrypted } from './encrypted-conversation.js';
import type { RuleCase } from './rule-case.js';

/** A kept connection: one answered request. */
const answered = `
  0     open
  0.1   >> GET /first
  0.15  << 200 body 5
`;

/** Four connections that the server closes after 5 s of idleness each. */
const idleCloses = each(
  4,
  (n) => `
  #${10 + n} ${n * 6}     open
  #${10 + n} ${n * 6}.1   >> GET /warm
  #${10 + n} ${n * 6}.15  << 200 body 5
  #${10 + n} ${n * 6 + 5}.15 << FIN
  #${10 + n} ${n * 6 + 5}.17 >> FIN
`,
);

const alert = record(21, 26);

export const closingCases: readonly RuleCase[] = [
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
    rule: 'timeout-order',
    name: 'reuse after 4.8 s, and the server closes after 5 s',
    story: `${idleCloses}
      40    open
      40.1  >> GET /a
      40.15 << 200 body 5
      44.95 >> GET /b
      45.0  << 200 body 5`,
    finding: { level: 'warning', confidence: 'high', owner: 'client', connections: [4], says: /4\.80 s of idleness/ },
  },
  {
    rule: 'timeout-order',
    name: 'reuse after 2 s, and the server closes after 5 s',
    story: `${idleCloses}
      40    open
      40.1  >> GET /a
      40.15 << 200 body 5
      42.15 >> GET /b
      42.2  << 200 body 5`,
    finding: null,
  },
  {
    rule: 'timeouts-in-order',
    name: 'the client closes after 2 s, the server announces 5 s',
    story: each(
      3,
      (n) => `
      #${n} ${n * 3}     open
      #${n} ${n * 3}.1   >> GET /
      #${n} ${n * 3}.2   << 200 body 5 | Keep-Alive: timeout=5
      #${n} ${n * 3 + 2}.2 >> FIN
      #${n} ${n * 3 + 2}.3 << FIN`,
    ),
    finding: { level: 'good', owner: 'client', says: /margin of 3\.00 s/ },
  },
  {
    rule: 'timeouts-in-order',
    name: 'the server closes first',
    story: idleCloses,
    finding: null,
  },
  {
    rule: 'timeout-inferred',
    name: 'four closes after 5 s of idleness',
    story: idleCloses,
    finding: { level: 'info', confidence: 'high', count: 4, says: /5\.00 s of idleness \(4 of 4/ },
  },
  {
    rule: 'timeout-inferred',
    name: 'closes after all sorts of idle times',
    story: each(
      5,
      (n) => `
      #${n} ${n * 20}     open
      #${n} ${n * 20}.1   >> GET /
      #${n} ${n * 20}.2   << 200 body 5
      #${n} ${n * 20 + 1 + n * 3}.2 << FIN
      #${n} ${n * 20 + 1 + n * 3}.3 >> FIN`,
    ),
    finding: null,
  },
  {
    rule: 'hint-broken',
    name: 'closed after 2 s, announced 5 s',
    story: `
      0     open
      0.1   >> GET /
      0.2   << 200 body 5 | Keep-Alive: timeout=5
      2.2   << FIN
      2.3   >> FIN`,
    finding: { level: 'warning', owner: 'server', connections: [0], says: /closed after 2\.00 s.*announced were 5 s/ },
  },
  {
    rule: 'hint-broken',
    name: 'two closed at one moment: the server may have been stopped',
    story: each(
      2,
      (n) => `
      #${n} 0     open
      #${n} 0.1   >> GET /
      #${n} 0.2   << 200 body 5 | Keep-Alive: timeout=60
      #${n} 22.2  << FIN
      #${n} 22.3  >> FIN`,
    ),
    finding: { level: 'info', confidence: 'low' },
  },
  {
    rule: 'hint-broken',
    name: 'closed after 5 s, announced 5 s',
    story: `
      0     open
      0.1   >> GET /
      0.2   << 200 body 5 | Keep-Alive: timeout=5
      5.2   << FIN
      5.3   >> FIN`,
    finding: null,
  },
  {
    rule: 'hint-ignored',
    name: 'reused after 7 s, announced 5 s',
    story: `
      0     open
      0.1   >> GET /
      0.2   << 200 body 5 | Keep-Alive: timeout=5
      7.2   >> GET /
      7.3   << 200 body 5 | Keep-Alive: timeout=5`,
    finding: { level: 'warning', confidence: 'high', owner: 'client', connections: [0] },
  },
  {
    rule: 'hint-ignored',
    name: 'reused after 4 s, announced 5 s',
    story: `
      0     open
      0.1   >> GET /
      0.2   << 200 body 5 | Keep-Alive: timeout=5
      4.2   >> GET /
      4.3   << 200 body 5 | Keep-Alive: timeout=5`,
    finding: null,
  },
  {
    rule: 'hint-leaked',
    name: 'a proxy announces its upstream’s 5 s and keeps connections longer',
    story: `
      server 10.0.0.2:80
      #0 0     open
      client 10.0.0.2
      server 10.0.0.3:8080
      #1 0.05  open
      #0 0.1   >> GET /a
      #1 0.12  >> GET /a
      #1 0.15  << 200 body 5 | Keep-Alive: timeout=5
      #0 0.17  << 200 body 5 | Keep-Alive: timeout=5
      #1 5.15  << FIN
      #1 5.17  >> FIN
      #2 8.0   open
      #0 8.1   >> GET /b
      #2 8.12  >> GET /b
      #2 8.15  << 200 body 5 | Keep-Alive: timeout=5
      #0 8.17  << 200 body 5 | Keep-Alive: timeout=5
      client 10.0.0.1
      server 10.0.0.2:80
      #3 9.0   open
      #3 9.1   >> GET /c
      #2 9.12  >> GET /c
      #2 9.15  << 200 body 5 | Keep-Alive: timeout=5
      #3 9.17  << 200 body 5 | Keep-Alive: timeout=5`,
    finding: { level: 'warning', owner: 'proxy' },
  },
  {
    rule: 'hint-leaked',
    name: 'a proxy with an announcement of its own',
    story: `
      server 10.0.0.2:80
      #0 0     open
      client 10.0.0.2
      server 10.0.0.3:8080
      #1 0.05  open
      #0 0.1   >> GET /a
      #1 0.12  >> GET /a
      #1 0.15  << 200 body 5 | Keep-Alive: timeout=5
      #0 0.17  << 200 body 5 | Keep-Alive: timeout=60
      #0 8.1   >> GET /b
      #1 8.12  >> GET /b
      #1 8.15  << 200 body 5 | Keep-Alive: timeout=5
      #0 8.17  << 200 body 5 | Keep-Alive: timeout=60`,
    finding: null,
  },
  {
    rule: 'max-requests',
    name: 'three connections closed behind their third request, announced',
    story: each(
      3,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /1
      #${n} ${n}.2   << 200 body 5
      #${n} ${n}.3   >> GET /2
      #${n} ${n}.4   << 200 body 5
      #${n} ${n}.5   >> GET /3
      #${n} ${n}.6   << 200 body 5 | Connection: close
      #${n} ${n}.601 << FIN
      #${n} ${n}.65  >> FIN`,
    ),
    finding: { level: 'info', confidence: 'high', count: 3, connections: [0, 1, 2] },
  },
  {
    rule: 'max-requests',
    name: 'the same, not announced',
    story: each(
      3,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /1
      #${n} ${n}.2   << 200 body 5
      #${n} ${n}.3   >> GET /2
      #${n} ${n}.4   << 200 body 5
      #${n} ${n}.401 << FIN
      #${n} ${n}.45  >> FIN`,
    ),
    finding: { level: 'warning' },
  },
  {
    rule: 'max-requests',
    name: 'closed behind one, two and three requests',
    story: each(
      3,
      (n) => `
      #${n} ${n}     open
      ${each(n + 1, (request) => `#${n} ${n}.${2 * request + 1} >> GET /\n#${n} ${n}.${2 * request + 2} << 200 body 5`)}
      #${n} ${n}.9   << FIN
      #${n} ${n}.95  >> FIN`,
    ),
    finding: null,
  },
  {
    rule: 'age-limit',
    name: 'closed at 10 s however they were used',
    story: each(
      4,
      (n) => `
      #${n} ${n * 20}      open
      #${n} ${n * 20}.1    >> GET /1
      #${n} ${n * 20}.2    << 200 body 5
      #${n} ${n * 20 + 1 + n * 2}.1  >> GET /2
      #${n} ${n * 20 + 1 + n * 2}.2  << 200 body 5
      #${n} ${n * 20 + 10} << FIN
      #${n} ${n * 20 + 10}.1 >> FIN`,
    ),
    finding: { level: 'info', count: 4, says: /age of 10\.0 s/ },
  },
  {
    rule: 'age-limit',
    name: 'closed at all sorts of ages',
    story: each(
      4,
      (n) => `
      #${n} ${n * 20}      open
      #${n} ${n * 20}.1    >> GET /1
      #${n} ${n * 20}.2    << 200 body 5
      #${n} ${n * 20}.5    >> GET /2
      #${n} ${n * 20}.6    << 200 body 5
      #${n} ${n * 20 + 3 * (n + 1)} << FIN
      #${n} ${n * 20 + 3 * (n + 1)}.1 >> FIN`,
    ),
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
    rule: 'half-open',
    name: 'in a capture that misses packets here and there, so may the other FIN',
    story: `${each(
      3,
      (n) => `
      #${10 + n} 0.1   open
      #${10 + n} 0.2   >> GET /first
      #${10 + n} 0.25  << 200 length 2000 body 1000
      #${10 + n} 0.26  << data 500 ; uncaptured
      #${10 + n} 0.27  << data 500
      #${10 + n} 0.3   >> FIN
      #${10 + n} 0.35  << FIN`,
    )}
      ${answered}
      5.15  << FIN
      #20 95 open`,
    finding: null,
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
