import { asksForClose, closesFourWays, connections, endsAsAnnounced, exchanges } from '../expect-facts.js';
import { fin, responseEnd, takes } from '../expect-moments.js';
import { each } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

export const timeoutZero: Scenario = {
  name: 'timeout-zero',
  line: "keep-alive is off in the server: its FIN comes right after the response's last byte",
  story: 'A server whose keep-alive is switched off. A client that would keep its connection asks three times.',
  fastest: 1,
  server: { usual: 'node', needs: [] },
  client: { usual: 'plain', needs: [] },
  play: async (stage) => {
    await stage.server({ idleTimeoutMs: 0 });
    const client = await stage.client();
    await client.take({ kind: 'in-turn', asks: ['/', '/', '/'].map(get) });
  },
  expect: () => [
    connections(3),
    exchanges(each, 1),
    endsAsAnnounced(each),
    asksForClose(each, 1, ['server', 'both']),
    takes(each, { from: responseEnd(), to: fin('server'), ms: 0, tolerance: { lateMs: 100 } }),
    closesFourWays(each),
  ],
};
