/** Cases of the rules about pools of connections: for each rule a conversation that fires it and a near miss that does not. */

import { each } from '../conversation.js';
import type { RuleCase } from './rule-case.js';

/** One request on a connection of its own, closed behind it by the client. */
const single = (n: number, at: number): string => `
  #${n} ${at}        open
  #${n} ${at + 0.05} >> GET /${n}
  #${n} ${at + 0.1}  << 200 body 5
  #${n} ${at + 0.11} >> FIN
  #${n} ${at + 0.15} << FIN
`;

/** Eight requests at once; two connections are kept and used again in the next burst, the others closed. */
const burst = (n: number): string => {
  const at = n * 2;
  const fresh = each(6, (one) => single(100 * (n + 1) + one, at));
  const kept = each(
    2,
    (one) => `
    ${n === 0 ? `#${one} ${at} open` : ''}
    #${one} ${at + 0.05} >> GET /kept
    #${one} ${at + 0.1} << 200 body 5`,
  );
  return `${fresh}${kept}`;
};

const unread = (n: number): string => `
  #${n} ${n}     open
  #${n} ${n}.1   >> GET /large
  #${n} ${n}.2   << 200 length 100000 body 50000
  #${n} ${n}.3   >> ACK ; window=0
`;

/** Opened at `n` s, used once, closed at `until` s. */
const leftUntil = (n: number, until: number, by = '>>'): string => `
      #${n} ${n}      open
      #${n} ${n}.1    >> GET /
      #${n} ${n}.2    << 200 body 5
      #${n} ${until}.3 ${by} FIN
      #${n} ${until}.4 ${by === '>>' ? '<<' : '>>'} FIN`;

export const poolCases: readonly RuleCase[] = [
  {
    rule: 'churn',
    name: 'twelve requests on twelve connections, the client closes each',
    story: each(12, (n) => single(n, n)),
    finding: {
      level: 'warning',
      confidence: 'high',
      owner: 'client',
      count: 12,
      says: /12 requests on 12 connections.*12 sockets in TIME_WAIT at the client/,
    },
  },
  {
    rule: 'churn',
    name: 'the server closes behind each answer',
    story: each(
      12,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /
      #${n} ${n}.2   << 200 body 5 | Connection: close
      #${n} ${n}.201 << FIN
      #${n} ${n}.25  >> FIN`,
    ),
    finding: { owner: 'server', says: /as its answers say \(Connection: close/ },
  },
  {
    rule: 'churn',
    name: 'connections are left idle and never used again',
    story: each(
      12,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /
      #${n} ${n}.2   << 200 body 5
      #${n} ${n + 5}.2   << FIN
      #${n} ${n + 5}.3   >> FIN`,
    ),
    finding: { owner: 'client', says: /left idle/ },
  },
  {
    rule: 'churn',
    name: 'twelve requests at once need twelve connections',
    story: each(12, (n) => single(n, 1)),
    finding: null,
  },
  {
    rule: 'churn',
    name: 'four connections, three requests on each',
    story: each(
      4,
      (n) => `
      #${n} ${n} open
      ${each(3, (m) => `#${n} ${n}.${2 * m + 1} >> GET /\n#${n} ${n}.${2 * m + 2} << 200 body 5`)}
      #${n} ${n}.8 >> FIN
      #${n} ${n}.9 << FIN`,
    ),
    finding: null,
  },
  {
    rule: 'tiny-pool',
    name: 'bursts of eight, two kept',
    story: each(4, burst),
    finding: { level: 'warning', owner: 'client', says: /up to 8 requests at once, about 2 kept/ },
  },
  {
    rule: 'tiny-pool',
    name: 'bursts of eight, all kept',
    story: each(
      8,
      (n) => `
      #${n} 0 open
      ${each(4, (m) => `#${n} ${2 * m}.1 >> GET /\n#${n} ${2 * m}.2 << 200 body 5`)}`,
    ),
    finding: null,
  },
  {
    rule: 'churn',
    name: 'tunnels and WebSockets do not come back for another request',
    story: each(
      12,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /chat | Connection: Upgrade | Upgrade: websocket
      #${n} ${n}.15  << text "HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n"
      #${n} ${n}.2   >> data 20
      #${n} ${n}.25  << FIN
      #${n} ${n}.3   >> FIN`,
    ),
    finding: null,
  },
  {
    rule: 'tiny-pool',
    name: 'whoever opens a connection, asks twice and closes it has no pool',
    story: each(
      12,
      (n) => `
      #${n} ${n >> 1}.${n & 1}     open
      #${n} ${n >> 1}.${n & 1}1    >> GET /one
      #${n} ${n >> 1}.${n & 1}2    << 200 body 5
      #${n} ${n >> 1}.${1 + (n & 1) * 3}   >> GET /two
      #${n} ${n >> 1}.${2 + (n & 1) * 3}   << 200 body 5
      #${n} ${n >> 1}.${2 + (n & 1) * 3}1  >> FIN`,
    ),
    finding: null,
  },
  {
    rule: 'tiny-pool',
    name: 'clients that keep one connection each, and leave together',
    // The server closes most of the connections for idleness a moment before, and these clients need another one.
    story: each(
      12,
      (n) => `
      #${n} 0       open
      #${n} 0.1     >> GET /one
      #${n} 0.2     << 200 body 5
      ${
        n % 3 === 0
          ? `#${n} 5.0${40 + n} >> GET /two
      #${n} 5.0${40 + n + 1}5 << 200 body 5
      #${n} 5.0${40 + n + 1}6 >> FIN
      #${n} 5.0${40 + n + 1}8 << FIN`
          : `#${n} 5.04     << FIN
      #${n} 5.0${40 + n}  >> FIN
      #${20 + n} 5.0${40 + n}1 open
      #${20 + n} 5.0${40 + n}2 >> GET /two
      #${20 + n} 5.0${40 + n + 1}2 << 200 body 5
      #${20 + n} 5.0${40 + n + 1}3 >> FIN
      #${20 + n} 5.0${40 + n + 1}5 << FIN`
      }`,
    ),
    finding: null,
  },
  {
    rule: 'unread-body',
    name: 'three answers left unread, each on a port of its own',
    story: each(
      3,
      (n) => `
      ${unread(n)}
      #${n} ${n + 4} >> ACK ; window=0`,
    ),
    finding: { level: 'warning', confidence: 'high', owner: 'client', count: 3, connections: [0, 1, 2] },
  },
  {
    rule: 'unread-body',
    name: 'windows that were still closed when the capture ended, a moment later',
    story: each(3, unread),
    finding: null,
  },
  {
    rule: 'unread-body',
    name: 'answers whose big packets never came, until the caller left',
    story: each(
      3,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.1   >> GET /large
      #${n} ${n}.2   << 200 length 9000 body 1000
      #${n} ${n}.21  << data 8000 ; lost
      #${n} ${n}.5   << again ; lost
      #${n} ${n + 1}.1 << again ; lost
      #${n} ${n + 4}.1 >> FIN
      #${n} ${n + 4}.2 << again
      #${n} ${n + 4}.21 >> RST`,
    ),
    finding: null,
  },
  {
    rule: 'unread-body',
    name: 'a slow reader that reads on',
    story: each(
      3,
      (n) => `
      ${unread(n)}
      #${n} ${n}.5   >> ACK ; window=60000
      #${n} ${n}.6   << data 50000`,
    ),
    finding: null,
  },
  {
    rule: 'leak',
    name: 'eight connections used once each and left open',
    story: `${each(
      8,
      (n) => `
      #${n} ${n * 10}     open
      #${n} ${n * 10}.1   >> GET /
      #${n} ${n * 10}.2   << 200 body 5`,
    )}
      #20 200 open
      #20 200.1 >> GET /
      #20 200.2 << 200 body 5`,
    finding: { level: 'warning', owner: 'client', count: 8 },
  },
  {
    rule: 'leak',
    name: 'twelve connections used once each, one a second, closed when the program ends',
    story: each(12, (n) => leftUntil(n, 20)),
    finding: { level: 'warning', confidence: 'medium', owner: 'client', count: 11 },
  },
  {
    rule: 'churn',
    name: 'twelve connections that pile up: that is leak',
    story: each(12, (n) => leftUntil(n, 20)),
    finding: null,
  },
  {
    rule: 'leak',
    name: 'twelve connections used once each, closed by the server’s idle timer before the last is opened',
    story: each(12, (n) => leftUntil(n, n + 5, '<<')),
    finding: null,
  },
  {
    rule: 'leak',
    name: 'eight connections of one burst, left open',
    story: `${each(
      8,
      (n) => `
      #${n} 0     open
      #${n} 0.1   >> GET /
      #${n} 0.2   << 200 body 5`,
    )}
      #20 200 open
      #20 200.1 >> GET /
      #20 200.2 << 200 body 5`,
    finding: null,
  },
  {
    rule: 'pinned-load',
    name: 'a second address gets two requests of a hundred',
    story: `
      0 open
      ${each(100, (n) => `${n}.1 >> GET /\n${n}.2 << 200 body 5`)}
      server 10.0.0.3:80
      #1 20 open
      #1 20.1 >> GET /
      #1 20.2 << 200 body 5
      #1 60.1 >> GET /
      #1 60.2 << 200 body 5`,
    finding: { level: 'info', confidence: 'low', owner: 'client', says: /10\.0\.0\.3:80/ },
  },
  {
    rule: 'pinned-load',
    name: 'a second address gets its part',
    story: `
      0 open
      ${each(100, (n) => `${n}.1 >> GET /\n${n}.2 << 200 body 5`)}
      server 10.0.0.3:80
      #1 20 open
      ${each(70, (n) => `#1 ${20 + n}.3 >> GET /\n#1 ${20 + n}.4 << 200 body 5`)}`,
    finding: null,
  },
  {
    rule: 'hidden-retry',
    name: 'a POST without an answer comes again on a new connection',
    story: `
      0     open
      0.1   >> POST /pay body 9
      2.1   << FIN
      2.2   >> FIN
      #1 2.3  open
      #1 2.4  >> POST /pay body 9
      #1 2.5  << 200 body 5`,
    finding: { level: 'warning', owner: 'client', connections: [0, 1], says: /answered 200/ },
  },
  {
    rule: 'hidden-retry',
    name: 'the server’s FIN proves that the first was never taken',
    story: `
      0     open
      0.1   >> GET /
      0.2   << 200 body 5
      5.2   << FIN ; unacked
      5.201 >> POST /pay body 9 ; crossing
      5.22  << RST
      #1 5.3  open
      #1 5.4  >> POST /pay body 9
      #1 5.5  << 200 body 5`,
    finding: null,
  },
  {
    rule: 'hidden-retry',
    name: 'a GET comes again',
    story: `
      0     open
      0.1   >> GET /pay
      2.1   << FIN
      2.2   >> FIN
      #1 2.3  open
      #1 2.4  >> GET /pay
      #1 2.5  << 200 body 5`,
    finding: null,
  },
  {
    rule: 'handshake-cost',
    name: 'handshakes of 20 ms before answers of 20 ms',
    story: each(
      12,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.03   >> GET /
      #${n} ${n}.05   << 200 body 5
      #${n} ${n}.06   >> FIN
      #${n} ${n}.08   << FIN`,
    ),
    finding: { level: 'warning', confidence: 'high', owner: 'client', says: /12 handshakes of 20\.0 ms are 50 %/ },
  },
  {
    rule: 'handshake-cost',
    name: 'handshakes of 20 ms before answers of half a second',
    story: each(
      12,
      (n) => `
      #${n} ${n}     open
      #${n} ${n}.03   >> GET /
      #${n} ${n}.53   << 200 body 5
      #${n} ${n}.56   >> FIN
      #${n} ${n}.58   << FIN`,
    ),
    finding: null,
  },
];
