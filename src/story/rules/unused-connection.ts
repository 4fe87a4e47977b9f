import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';

export const unusedConnection: Rule = {
  id: 'unused-connection',
  level: 'info',
  confidence: 'high',
  owner: 'client',
  title: 'Connections were opened and closed without any request',
  prose:
    'The connection was opened and closed again, and not a byte went through it. Browsers open connections in advance in case they need ' +
    'them; balancers and monitors open one to see whether the server is there (a TCP health check). It costs a handshake and a place in ' +
    'the server’s queue, and nothing else.',
  notToConfuseWith: 'A connection that was refused (refused) or never answered (no-answer).',
  fixes: [
    {
      for: 'a balancer’s health check',
      setting: 'an HTTP check of a cheap path (HAProxy: option httpchk)',
      why: 'it also sees a server that accepts and does not answer',
    },
  ],
  endings: ['unused'],
  onConnection: ({ id, ending, opened }, { sound }) => {
    if (!sound) return null;
    const livedNs = ending.at.atNs - opened.atNs;
    return {
      packets: [opened.packet, ending.at.packet],
      text: () => `For example connection #${id}, open for ${durationWords(livedNs)}, closed by the ${ending.by}.`,
    };
  },
  sum: ({ count, connections }) => `${count} of ${counted(connections, 'connection')} carried nothing.`,
};
