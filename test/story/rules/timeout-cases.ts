/** Cases of the rules about timeouts and limits, as measured and as announced: for each rule conversations that fire it and near misses that do not. */

import { each } from '../conversation.js';
import { idleCloses } from './common-conversations.js';
import type { RuleCase } from './rule-case.js';

/** Two answers, each of which announces four requests in all, and the close. */
const twoOfFour = `
      0.1   >> GET /
      0.2   << 200 body 5 | Keep-Alive: max=4
      0.3   >> GET /
      0.4   << 200 body 5 | Keep-Alive: max=4
      0.401 << FIN
      0.5   >> FIN`;

export const timeoutCases: readonly RuleCase[] = [
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
    name: 'a server that says what it is has nobody else’s default',
    story: each(
      3,
      (n) => `
      #${n} ${n * 8}     open
      #${n} ${n * 8}.1   >> GET /
      #${n} ${n * 8}.15  << 200 body 5 | Server: nginx
      #${n} ${n * 8 + 2}.15 << FIN
      #${n} ${n * 8 + 2}.17 >> FIN`,
    ),
    finding: { level: 'info', count: 3, says: /^(?!.*default).*2\.00 s of idleness/ },
  },
  {
    rule: 'timeout-inferred',
    name: 'a balancer passes on what the server behind it says it is',
    story: each(
      3,
      (n) => `
      #${n} ${n * 70}     open
      #${n} ${n * 70}.1   >> GET /
      #${n} ${n * 70}.15  << 200 body 5 | Server: gunicorn
      #${n} ${n * 70 + 60}.15 << FIN
      #${n} ${n * 70 + 60}.17 >> FIN`,
    ),
    finding: { level: 'info', count: 3, says: /the default of AWS ALB\./ },
  },
  {
    rule: 'timeout-inferred',
    name: 'closes of one moment, and then nobody listens: the server was stopped',
    story: `${each(
      3,
      (n) => `
      #${n} 0.0${n}    open
      #${n} 0.10${n}   >> GET /
      #${n} 0.15${n}   << 200 body 5
      #${n} 3.15${n}   << FIN
      #${n} 3.17${n}   >> FIN`,
    )}
      #4 4    >> SYN
      #4 4.02 << RST`,
    finding: null,
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
    rule: 'hint-broken',
    name: 'closed behind the second answer, announced were four requests',
    story: `
      0     open${twoOfFour}`,
    finding: { owner: 'server', connections: [0], says: /closed behind its answer number 2.*max=4/ },
  },
  {
    rule: 'hint-broken',
    name: 'the same where the capture began behind the opening: there may have been four',
    story: twoOfFour,
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
    rule: 'hint-ignored',
    name: 'all sent before the first answer announced its limit',
    story: `
      0     open
      0.1   >> GET /1
      0.101 >> GET /2
      0.102 >> GET /3
      0.103 >> GET /4
      0.2   << 200 body 5 | Keep-Alive: max=1
      0.201 << 200 body 5
      0.202 << 200 body 5
      0.203 << 200 body 5`,
    finding: null,
  },
  {
    rule: 'hint-ignored',
    name: 'an exchange in between was not captured',
    story: `
      0     open
      0.1   >> GET /
      0.2   << 200 body 5 | Keep-Alive: timeout=5
      3.2   >> GET / ; uncaptured
      3.3   << 200 body 5 ; uncaptured
      7.2   >> GET /
      7.3   << 200 body 5 | Keep-Alive: timeout=5`,
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
];
