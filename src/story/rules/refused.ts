import type { Rule } from '../diagnosis-rule.js';
import { counted } from '../diagnosis-words.js';

export const refused: Rule = {
  id: 'refused',
  level: 'warning',
  confidence: 'high',
  owner: 'server',
  title: 'New connections were refused',
  prose:
    'The machine answered at once: nobody listens on this port. The server is not running, not yet running, or listens on another address ' +
    'or port; or a firewall answers in its place. When the same port also served requests in this capture, it went away or came back in ' +
    'between.',
  notToConfuseWith: 'Openings without any answer (no-answer), and requests that died with the server (server-died).',
  fixes: [
    {
      for: 'the server',
      setting: 'is it running, and on this address? (ss -ltn)',
      why: 'a refusal comes from the machine, not from the program',
    },
    {
      for: 'a deployment',
      setting: 'readiness check before traffic is sent; drain before stop',
      why: 'then nobody asks while nobody listens',
    },
    {
      for: 'the client',
      setting: 'retry with growing pauses',
      why: 'a refused request was never taken: it is safe to send again',
    },
  ],
  onServer: ({ refused: count, refusals, httpConnections }) => {
    const [first] = refusals;
    if (first === undefined) return null;
    return {
      level: httpConnections > 0 ? 'bad' : 'warning',
      count,
      connections: refusals.map(({ connection }) => connection),
      packets: refusals.map(({ packet }) => packet),
      text: () =>
        `${counted(count, 'opening')} refused, the first in packet ${first.packet}${httpConnections > 0 ? `; the same port served ${counted(httpConnections, 'connection')} in this capture` : ''}.`,
    };
  },
  sum: () => '',
};
