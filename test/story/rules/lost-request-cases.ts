/** Cases of the rules about requests that met the end of their connection: for each rule conversations that fire it and near misses that do not. */

import { answered, idleCloses } from './common-conversations.js';
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
