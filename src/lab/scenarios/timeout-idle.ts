import { connections, ends, exchanges } from '../expect-facts.js';
import { fin, responseEnd, takes } from '../expect-moments.js';
import { theConnection } from '../expectation.js';
import type { Scenario } from '../scenario.js';

const idleSeconds = 300;

export const timeoutIdle: Scenario = {
  name: 'timeout-idle',
  line: 'an idle timeout of 300 s: the FIN comes 300 s after the last response byte',
  story: 'A server with an idle timeout of 300 s. The client asks once and keeps the connection.',
  fastest: 150,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'plain', needs: ['hold'] },
  play: async (stage) => {
    await stage.server({ idleTimeoutMs: stage.scale.ms(idleSeconds) });
    const client = await stage.client();
    await client.ask('/');
    await client.untilClosed(stage.scale.ms(1.5 * idleSeconds) + 1000);
  },
  expect: ({ scale, server }) => [
    connections(1),
    exchanges(theConnection, 1),
    ends(theConnection, 'server', 'fin', 'idle'),
    takes(
      theConnection,
      { from: responseEnd(), to: fin('server'), ms: scale.ms(idleSeconds), tolerance: { lateMs: 700 + server.closesLateByMs } },
      scale,
    ),
  ],
};
