import type { Rule } from '../diagnosis-rule.js';
import { counted } from '../diagnosis-words.js';
import { keepPathAlive } from '../fixes.js';

export const probesUnanswered: Rule = {
  id: 'probes-unanswered',
  level: 'warning',
  confidence: 'high',
  owner: 'network',
  title: 'TCP keep-alive probes got no answer',
  prose:
    'While the connection was idle, one side’s machine asked “are you still there?” (a TCP keep-alive probe), several times, and nothing ' +
    'came back. The other machine is gone, or a box in between has forgotten the connection. Here the probes did what they are for: they ' +
    'found out before a request had to.',
  notToConfuseWith: 'Probes that are answered while the HTTP connection is closed all the same (probes-are-not-reuse).',
  fixes: keepPathAlive,
  endings: ['probes-unanswered'],
  onConnection: ({ id, ending, closing }, { bothSeen }) => {
    if (!bothSeen) return null;
    const { unanswered } = closing;
    if (unanswered === null) return null;
    return {
      packets: [unanswered.since.packet, unanswered.last.packet, ending.at.packet],
      text: () =>
        `For example connection #${id}: ${counted(unanswered.probes, 'probe')} of the ${unanswered.from} without an answer (packets ${unanswered.since.packet} to ${unanswered.last.packet})${ending.how === 'rst' ? ', then it gave up with a reset' : ''}.`,
    };
  },
  sum: ({ count }) => `${counted(count, 'connection')} found dead by probes.`,
};
