import type { Hit, Rule } from '../diagnosis-rule.js';
import { counted, durationWords, listWords } from '../diagnosis-words.js';
import type { ServerFacts } from '../facts-server.js';
import { knownBy } from '../known-timeouts.js';

export const timeoutInferred: Rule = {
  id: 'timeout-inferred',
  level: 'info',
  confidence: 'high',
  owner: 'server',
  title: 'The server closes idle connections after a constant time',
  prose:
    'After the last answer nothing happened on the connection, and after the same time each time the server closed it. That time is ' +
    'its idle timeout (keep-alive timeout). Nothing is wrong with that. It matters for whoever sends requests: a client or proxy must ' +
    'let go of an idle connection, or send its next request, clearly before that time.',
  notToConfuseWith:
    'A close right after an answer (a server without keep-alive, or a maximum of requests), a limit on the age of a connection ' +
    '(age-limit), and closes that come together because the server was restarted (deploy-burst).',
  fixes: [],
  noFix: 'There is nothing to change: this is a measurement. See timeout-order for whether it fits the client.',
  onServer: (server) => {
    const found = server.idleTimeout();
    if (found === null) return single(server);
    return {
      packets: found.packets,
      connections: found.connections,
      count: found.count,
      confidence: found.count >= 3 ? 'high' : 'medium',
      text: () => {
        const names = knownBy(found.value, 'server', server.software);
        const known = names.length === 0 ? '' : ` That is the default of ${listWords(names)}.`;
        const spread = found.count > 1 ? `, ± ${durationWords(found.spread)}` : '';
        const announced = server.announcedSeconds();
        const isReadable = server.httpConnections > 0;
        const unsaid = isReadable ? ' It announces no timeout.' : ' What it announces is encrypted.';
        const said = announced === null ? unsaid : ` It announces ${announced} s.`;
        return `It closes after ${durationWords(found.value)} of idleness (${found.count} of ${counted(found.of, 'idle close')}${spread}).${said}${known}`;
      },
    };
  },
  sum: () => '',
};

/** Seen once: told when it is long enough to be a timer, but not as a certainty. */
function single(server: ServerFacts): Hit | null {
  const closes = server.idleCloses.samples;
  const [close] = closes;
  if (close === undefined || closes.length > 1 || close.value < 1e9) return null;
  const { connection, packet, value: idleNs } = close;
  const names = knownBy(idleNs, 'server', server.software);
  const known = names.length === 0 ? '' : ` That is the default of ${listWords(names)}.`;
  return {
    packets: [packet],
    connections: [connection],
    confidence: 'low',
    text: () => `It closed an idle connection once, after ${durationWords(idleNs)}.${known}`,
  };
}
