/** Cases of the rules about the network between the ends: for each rule a conversation that fires it and a near miss that does not. */

import { answered, holes } from './common-conversations.js';
import { record, usedEncrypted } from './encrypted-conversation.js';
import type { RuleCase } from './rule-case.js';

/** A request into the void, with the kernel's growing pauses. */
const swallowed = (at: number, what = 'GET /second'): string => `
  ${at}        >> ${what} ; lost
  ${at + 0.2}  >> again ; lost
  ${at + 0.6}  >> again ; lost
  ${at + 1.4}  >> again ; lost
  ${at + 3}    >> again ; lost
`;

/** The client leaves, and nothing acknowledges that. */
const leftInVain = `
      5.3   >> FIN ; lost
      5.5   >> again ; lost
      5.9   >> again ; lost
      6.7   >> again ; lost`;
const leftAWait = `${answered}
      0.3   >> GET /slow
      0.32  << ACK${leftInVain}`;
const leftAnAnswer = `
      0     open
      0.1   >> GET /large
      0.2   << 200 length 3000 body 1000${leftInVain}`;
const resetTooSoon = `${answered}
      5     >> GET /second
      5.002 << BARE-RST`;

export const networkCases: readonly RuleCase[] = [
  {
    rule: 'silent-drop',
    name: 'after 400 s of idleness nothing is acknowledged',
    story: `${answered}${swallowed(400)}`,
    finding: {
      level: 'bad',
      confidence: 'high',
      owner: 'network',
      connections: [0],
      lostRequests: 1,
      says: /AWS NAT gateway .* forgets after 350 s/,
    },
  },
  {
    rule: 'silent-drop',
    name: 'the box answers with a reset at last',
    story: `${answered}${swallowed(400)}
      404   << RST`,
    finding: { level: 'bad', confidence: 'high', connections: [0], lostRequests: 1 },
  },
  {
    rule: 'silent-drop',
    name: 'only the way to the server is forgotten: its probe still comes, and acknowledges nothing',
    story: `${answered}${swallowed(400)}
      415   << PROBE
      415.1 >> ACK`,
    finding: { level: 'bad', confidence: 'high', owner: 'network', connections: [0], lostRequests: 1 },
  },
  {
    rule: 'silent-drop',
    name: 'in a leaky capture, a second of idleness in which the first sends may be missing',
    story: `${holes}${answered}
      0.2   >> GET /second ; lost uncaptured
      0.4   >> again ; lost uncaptured
      0.8   >> again ; lost uncaptured
      1.6   >> again ; lost
      3.2   >> again ; lost
      6.4   >> again ; lost
      12.8  >> again ; lost`,
    finding: { level: 'bad', confidence: 'medium', lostRequests: 1 },
  },
  {
    rule: 'silent-drop',
    name: 'in a leaky capture, an idleness too long for that',
    story: `${holes}${answered}${swallowed(400)}`,
    finding: { level: 'bad', confidence: 'high', lostRequests: 1 },
  },
  {
    rule: 'silent-drop',
    name: 'one packet is lost after an idle time, and its repetition arrives',
    story: `${answered}
      400   >> GET /second ; lost
      400.2 >> again
      400.3 << 200 body 5`,
    finding: null,
  },
  {
    rule: 'silent-drop',
    name: 'after 400 s of idleness nothing that is sent through TLS is acknowledged',
    story: `${usedEncrypted}${swallowed(400, record(23, 120))}`,
    finding: { level: 'bad', confidence: 'high', owner: 'network', connections: [0], says: /1 connection with TLS swallowed/ },
  },
  {
    rule: 'silent-drop',
    name: 'through TLS, a second of idleness in which the first sends may be missing',
    story: `${usedEncrypted}
      0.4   >> ${record(23, 120)} ; lost uncaptured
      0.6   >> again ; lost uncaptured
      1     >> again ; lost uncaptured
      1.8   >> again ; lost
      3.4   >> again ; lost
      6.6   >> again ; lost
      13    >> again ; lost`,
    finding: { level: 'bad', confidence: 'medium', connections: [0] },
  },
  {
    rule: 'path-lost',
    name: 'through TLS, behind an idle time',
    story: `${usedEncrypted}${swallowed(400, record(23, 120))}`,
    finding: null,
  },
  {
    rule: 'silent-drop',
    name: 'through TLS, without an idle time',
    story: `${usedEncrypted}${swallowed(0.5, record(23, 120))}`,
    finding: null,
  },
  {
    rule: 'path-lost',
    name: 'through TLS, without an idle time',
    story: `${usedEncrypted}${swallowed(0.5, record(23, 120))}`,
    finding: { level: 'warning', confidence: 'high', owner: 'network', connections: [0] },
  },
  {
    rule: 'path-lost',
    name: 'the other side falls silent without an idle time before',
    story: `${answered}${swallowed(0.3)}`,
    finding: { level: 'bad', confidence: 'high', owner: 'network', lostRequests: 1 },
  },
  {
    rule: 'path-lost',
    name: 'the client gives up, and nothing acknowledges its close either',
    story: leftAWait,
    finding: { level: 'bad', confidence: 'high', owner: 'network', connections: [0], lostRequests: 1 },
  },
  {
    rule: 'client-gave-up',
    name: 'nothing acknowledges its close: the server is gone',
    story: leftAWait,
    finding: null,
  },
  {
    rule: 'path-lost',
    name: 'nothing is acknowledged from the first request on: the server may have had no room for the connection',
    story: `
      0     open
      ${swallowed(0.3)}`,
    finding: { level: 'bad', confidence: 'medium', lostRequests: 1, says: /accept queue may have been full/ },
  },
  {
    rule: 'path-lost',
    name: 'the client leaves in the middle of an answer, and nothing acknowledges that',
    story: leftAnAnswer,
    finding: { level: 'warning', confidence: 'high', owner: 'network', connections: [0] },
  },
  {
    rule: 'slow-server',
    name: 'the client leaves in the middle of an answer, and nothing acknowledges that',
    story: leftAnAnswer,
    finding: null,
  },
  {
    rule: 'path-lost',
    name: 'the client vanishes while the answer comes',
    story: `
      0     open
      0.1   >> GET /large
      0.2   << 200 length 3000 body 1000
      0.3   << data 1000 ; lost
      0.5   << again ; lost
      0.9   << again ; lost
      1.7   << again ; lost`,
    finding: { level: 'warning' },
  },
  {
    rule: 'path-lost',
    name: 'a slow server that acknowledges',
    story: `${answered}
      0.3   >> GET /slow`,
    finding: null,
  },
  {
    rule: 'forged-reset',
    name: 'a request after 400 s meets a reset that no router has touched',
    story: `${answered}
      400    >> POST /order body 5
      400.001 << RST ; ttl=64`,
    finding: { level: 'bad', confidence: 'high', owner: 'network', lostRequests: 1, says: /time to live of 64, .* had 52/ },
  },
  {
    rule: 'forged-reset',
    name: 'a reset that answers a request sooner than the server can',
    story: resetTooSoon,
    finding: { level: 'bad', confidence: 'medium', owner: 'network', lostRequests: 1, says: /answers it after 2\.00 ms/ },
  },
  {
    rule: 'stale-reuse',
    name: 'a reset that answers a request sooner than the server can',
    story: resetTooSoon,
    finding: null,
  },
  {
    rule: 'forged-reset',
    name: 'a reset that answers a request a round trip later',
    story: `${answered}
      5     >> GET /second
      5.021 << BARE-RST`,
    finding: null,
  },
  {
    rule: 'forged-reset',
    name: 'an idle connection is reset with another time to live',
    story: `${answered}
      40    << RST ; ttl=60`,
    finding: { level: 'warning', confidence: 'medium', owner: 'network' },
  },
  {
    rule: 'forged-reset',
    name: 'a reset that came one hop more',
    story: `${answered}
      40    << RST ; ttl=51`,
    finding: null,
  },
  {
    rule: 'probes-unanswered',
    name: 'four probes without an answer, then a reset',
    story: `${answered}
      60    >> PROBE
      61    >> PROBE
      62    >> PROBE
      63    >> PROBE
      64    >> RST`,
    finding: { level: 'warning', confidence: 'high', owner: 'network', connections: [0] },
  },
  {
    rule: 'probes-unanswered',
    name: 'probes that are answered',
    story: `${answered}
      60    >> PROBE
      60.02 << ACK
      61    >> PROBE
      61.02 << ACK
      62    >> PROBE
      62.02 << ACK
      63    >> RST`,
    finding: null,
  },
  {
    rule: 'probes-late',
    name: 'reused after 300 s without a probe',
    story: `${answered}
      300   >> GET /second
      300.1 << 200 body 5`,
    finding: { level: 'info', confidence: 'low', owner: 'client', says: /Azure/ },
  },
  {
    rule: 'probes-late',
    name: 'reused after 300 s with probes',
    story: `${answered}
      100   >> PROBE
      100.02 << ACK
      200   >> PROBE
      200.02 << ACK
      300   >> GET /second
      300.1 << 200 body 5`,
    finding: null,
  },
  {
    rule: 'probes-are-not-reuse',
    name: 'probed every second, closed after 5 s all the same',
    story: `${answered}
      1.15  >> PROBE
      1.17  << ACK
      2.15  >> PROBE
      2.17  << ACK
      3.15  >> PROBE
      3.17  << ACK
      5.15  << FIN
      5.17  >> FIN`,
    finding: { level: 'info', confidence: 'high', says: /3 probes/ },
  },
  {
    rule: 'probes-are-not-reuse',
    name: 'probes while a request waits, and a close long after the answer',
    story: `
      0     open
      0.1   >> GET /slow
      1.1   >> PROBE
      1.12  << ACK
      2.1   >> PROBE
      2.12  << ACK
      3     << 200 body 5
      8     << FIN
      8.02  >> FIN`,
    finding: null,
  },
  {
    rule: 'refused',
    name: 'a reset behind an opening and a request that were not captured',
    story: `
      0     >> SYN
      0.02  << SYN-ACK ; uncaptured
      0.021 >> ACK ; uncaptured
      0.03  >> GET / ; uncaptured
      0.8   << RST`,
    finding: null,
  },
  {
    rule: 'refused',
    name: 'a reset answers the SYN',
    story: `
      0     >> SYN
      0.02  << RST`,
    finding: { level: 'warning', confidence: 'high', owner: 'server', count: 1 },
  },
  {
    rule: 'refused',
    name: 'the same port served before',
    story: `${answered}
      #1 3     >> SYN
      #1 3.02  << RST`,
    finding: { level: 'bad', count: 1 },
  },
  {
    rule: 'refused',
    name: 'a reset behind a request',
    story: `
      0     open
      0.1   >> GET /
      0.12  << RST`,
    finding: null,
  },
  {
    rule: 'no-answer',
    name: 'four SYNs into the void',
    story: `
      0     >> SYN ; lost
      1     >> again ; lost
      3     >> again ; lost
      7     >> again ; lost`,
    finding: { level: 'warning', confidence: 'high', owner: 'network', count: 1 },
  },
  {
    rule: 'no-answer',
    name: 'the second SYN is answered',
    story: `
      0     >> SYN ; lost
      1     >> again
      1.02  << SYN-ACK
      1.04  >> ACK
      1.1   >> GET /
      1.2   << 200 body 5`,
    finding: null,
  },
  {
    rule: 'lost-opening',
    name: 'the second SYN is answered',
    story: `
      0     >> SYN ; lost
      1     >> again
      1.02  << SYN-ACK
      1.04  >> ACK
      1.1   >> GET /
      1.2   << 200 body 5`,
    finding: { level: 'warning', confidence: 'high', owner: 'network', connections: [0] },
  },
  {
    rule: 'lost-opening',
    name: 'a long way, but no repetition',
    story: answered,
    roundTrip: 0.095,
    finding: null,
  },
];
