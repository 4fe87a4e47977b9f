import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';

/** A SYN is repeated after a second; sooner the capture was too short to tell. */
const leastWaitNs = 900e6;
/** From the third SYN on nobody can speak of a lost packet. */
const longWaitNs = 2.5e9;

export const noAnswer: Rule = {
  id: 'no-answer',
  level: 'warning',
  confidence: 'high',
  owner: 'network',
  title: 'New connections were never answered',
  prose:
    'The client asked for a connection, again and again after growing pauses, and nothing came back: no yes, no no. A firewall drops the ' +
    'packets, the machine is gone, the route is wrong, or the server’s queue of new connections is full (then it drops them silently).',
  notToConfuseWith: 'A refusal (refused), which comes at once, and openings that were answered late (lost-opening).',
  fixes: [
    {
      for: 'the network',
      setting: 'firewall and security group rules for this address and port; is the machine there?',
      why: 'packets are dropped on the way',
    },
    { for: 'the client', setting: 'a connect timeout of a few seconds', why: 'Linux tries for over two minutes by itself' },
    {
      for: 'Linux server',
      setting: 'net.core.somaxconn, and the backlog of listen()',
      why: 'a full queue of new connections drops them (nstat TcpExtListenDrops)',
    },
  ],
  onServer: ({ unanswered: count, unansweredOpenings, httpConnections }, { isLeaky }) => {
    const longest = unansweredOpenings.reduce((most, { waitedNs }) => Math.max(most, waitedNs), 0);
    if (longest < leastWaitNs) return null;
    const delayNs = unansweredOpenings.reduce((sum, { waitedNs }) => sum + waitedNs, 0);
    return {
      // Where the capture misses packets, the answer may be one of them.
      level: httpConnections > 0 && longest >= longWaitNs && !isLeaky ? 'bad' : 'warning',
      confidence: isLeaky ? 'medium' : 'high',
      count,
      connections: unansweredOpenings.map(({ connection }) => connection),
      packets: unansweredOpenings.map(({ packet }) => packet),
      delayNs,
      text: () => `${counted(count, 'opening')} without any answer, ${durationWords(delayNs)} of waiting.`,
    };
  },
  sum: () => '',
};
