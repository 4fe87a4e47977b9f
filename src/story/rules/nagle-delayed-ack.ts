import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';

export const nagleDelayedAck: Rule = {
  id: 'nagle-delayed-ack',
  level: 'warning',
  confidence: 'high',
  owner: 'server',
  title: 'Small writes waited for delayed acknowledgements',
  prose:
    'A message was written in two pieces. The sender’s TCP held the second piece back until the first was acknowledged (Nagle’s algorithm), ' +
    'and the receiver’s TCP held the acknowledgement back in the hope of something to send with it (delayed acknowledgement). Both waited ' +
    'for each other until a timer ended it: 40 ms on Linux, 200 ms on Windows and BSD, for every such message. Turn Nagle’s algorithm off ' +
    '(TCP_NODELAY), or write the head and the body in one go.',
  notToConfuseWith:
    'A server that thinks for 40 ms between head and body: there the acknowledgement does not set the time of the next piece.',
  fixes: [
    {
      for: 'Node.js',
      setting: 'socket.setNoDelay(true), or cork() and uncork() around the writes',
      why: 'on by default for HTTP since version 16; raw sockets need it',
    },
    { for: 'nginx', setting: 'tcp_nodelay on;', why: 'the default; do not turn it off' },
    { for: 'Java', setting: 'socket.setTcpNoDelay(true)', why: 'off by default' },
    { for: 'C, Python', setting: 'setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)', why: 'off by default' },
    { for: 'the program', setting: 'one write for head and body', why: 'then there is nothing to hold back' },
  ],
  asks: ['held-back'],
  onConnection: ({ id, writing }) => {
    if (writing === null) return null;
    const side = writing.serverStalls !== null ? 'server' : 'client';
    const stalls = writing.serverStalls ?? writing.clientStalls;
    if (stalls === null) return null;
    return {
      owner: side,
      confidence: stalls.count >= 2 ? 'high' : 'medium',
      level: stalls.count >= 2 ? 'warning' : 'info',
      count: stalls.count,
      delayNs: stalls.delayNs,
      packets: stalls.packets,
      text: () =>
        `For example connection #${id}: the ${side} went on in packet ${stalls.packets[1]} only when packet ${stalls.packets[0]} had acknowledged what it had sent, ${durationWords(stalls.delayNs / stalls.count)} later.`,
    };
  },
  sum: ({ count, delayNs }) => `${counted(count, 'write')} held back, ${durationWords(delayNs)} together.`,
};
