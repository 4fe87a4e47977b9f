import { ageLimit as findAgeLimit } from '../diagnosis-inference.js';
import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';

export const ageLimit: Rule = {
  id: 'age-limit',
  level: 'info',
  confidence: 'medium',
  owner: 'server',
  title: 'The server closes connections at a constant age',
  prose:
    'However much or little a connection was used, the server closed it the same time after it had been opened. Such a limit is there on ' +
    'purpose: it spreads load over new servers and follows changed addresses. It is harmless when the close is announced with ' +
    '“Connection: close” on the last answer.',
  notToConfuseWith: 'An idle timeout (timeout-inferred), which counts from the last answer and starts again with each.',
  fixes: [
    { for: 'nginx server', setting: 'keepalive_time 1h;', why: 'its limit on the age of a connection' },
    { for: 'Envoy', setting: 'max_connection_duration', why: 'its limit on the age of a connection; it drains before closing' },
  ],
  onServer: (server) => {
    const found = findAgeLimit(server);
    if (found === null) return null;
    return {
      packets: found.packets,
      connections: found.connections,
      count: found.count,
      text: () =>
        `It closed ${found.count} of ${counted(found.of, 'used connection')} at the age of ${durationWords(found.value)} (± ${durationWords(found.spread)}).`,
    };
  },
  sum: () => '',
};
