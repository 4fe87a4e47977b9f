import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';

export const probesAreNotReuse: Rule = {
  id: 'probes-are-not-reuse',
  level: 'info',
  confidence: 'high',
  owner: 'client',
  title: 'TCP keep-alive probes did not keep the HTTP connection',
  prose:
    'Probes went back and forth while the connection was idle, and the server closed it all the same. Two things are called keep-alive: ' +
    'TCP’s asks whether the other machine is alive, HTTP’s keeps a connection for the next request. Probes never reach the server program ' +
    'and do not start its idle timer again. To keep the connection, raise the server’s idle timeout; to keep a path through a NAT, keep ' +
    'the probes.',
  notToConfuseWith: 'Probes without an answer (probes-unanswered).',
  fixes: [
    {
      for: 'the server',
      setting: 'its idle timeout (see timeout-inferred)',
      why: 'the only timer that counts for an idle HTTP connection',
    },
  ],
  endings: ['idle'],
  asks: ['probes'],
  onConnection: ({ id, ending, tcp, exchanges, marks }) => {
    if (tcp.keepAliveProbes.client === 0 || ending.by !== 'server') return null;
    const sinceNs = exchanges[exchanges.length - 1]?.responseEnd?.atNs ?? Number.POSITIVE_INFINITY;
    const probes = marks.filter(
      ({ kind, from, atNs }) => kind === 'keep-alive-probe' && from === 'client' && atNs > sinceNs && atNs < ending.at.atNs,
    );
    if (probes.length === 0 || tcp.keepAliveAnswers.server === 0) return null;
    const { idleNs, at } = ending;
    return {
      packets: [...probes.slice(0, 10).map(({ packet }) => packet), at.packet],
      text: () =>
        `For example connection #${id}: ${counted(probes.length, 'probe')}, and closed after ${durationWords(idleNs ?? 0)} of idleness (packet ${at.packet}).`,
    };
  },
  sum: ({ count }) => `${counted(count, 'connection')} probed and closed all the same.`,
};
