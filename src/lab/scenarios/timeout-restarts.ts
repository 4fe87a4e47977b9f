import { connections, ends, exchanges } from '../expect-facts.js';
import { fin, requestStart, responseEnd, takes } from '../expect-moments.js';
import { theConnection } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const idleSeconds = 180;
const betweenSeconds = 120;

export const timeoutRestarts: Scenario = {
  name: 'timeout-restarts',
  line: 'an idle timeout of 180 s, three requests 120 s apart: the FIN comes 180 s after the third response',
  story:
    'Every response starts the idle timeout anew: a server that counted from the first would have closed before the third request.',
  fastest: 150,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'plain', needs: ['hold'] },
  play: async (stage) => {
    const { scale } = stage;
    await stage.server({ idleTimeoutMs: scale.ms(idleSeconds) });
    const client = await stage.client();
    const pause = { kind: 'pause', ms: scale.ms(betweenSeconds) } as const;
    const ask = { kind: 'ask', ask: get('/') } as const;
    await client.take(ask, pause, ask, pause, ask);
    await client.untilClosed(scale.ms(2 * idleSeconds) + 1000);
  },
  expect: ({ scale, server }) => [
    connections(1),
    exchanges(theConnection, 3),
    takes(theConnection, { from: responseEnd(1), to: requestStart(2), ms: scale.ms(betweenSeconds) }, scale),
    takes(theConnection, { from: responseEnd(2), to: requestStart(3), ms: scale.ms(betweenSeconds) }, scale),
    takes(
      theConnection,
      { from: responseEnd(3), to: fin('server'), ms: scale.ms(idleSeconds), tolerance: { lateMs: 700 + server.closesLateByMs } },
      scale,
    ),
    ends(theConnection, 'server', 'fin', 'idle'),
  ],
};
