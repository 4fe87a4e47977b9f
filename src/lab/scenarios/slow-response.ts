/** A long wait between request and response: what the kernel says meanwhile, and what the idle timeout counts from. */

import { connections, ends, exchanges } from '../expect-facts.js';
import { fin, firstByte, inOrder, mark, requestAcked, requestEnd, responseEnd, takes } from '../expect-moments.js';
import { theConnection } from '../expectation.js';
import type { Scenario } from '../scenario.js';

const waitSeconds = 60;
const probeSeconds = 45;
const idleSeconds = 60;

export const slowResponse: Scenario = {
  name: 'slow-response',
  line: 'the answer takes 60 s: the request is acknowledged at once, a probe goes out at 45 s',
  story:
    'A request is answered after 60 s. The client has TCP keep-alive at 45 s, as browsers do. After the response the connection is idle for 60 s, and the server closes it.',
  fastest: 20,
  server: { usual: 'holdfast', needs: ['wait'] },
  client: { usual: 'node', needs: ['hold', 'probes'] },
  play: async (stage) => {
    const { scale } = stage;
    await stage.server({ idleTimeoutMs: scale.ms(idleSeconds) });
    const client = await stage.client({ probes: { idleMs: scale.wholeSeconds(probeSeconds) } });
    await client.ask(`/wait?ms=${scale.ms(waitSeconds)}`);
    await client.untilClosed(scale.ms(2 * idleSeconds));
  },
  expect: ({ scale, server }) => [
    connections(1),
    exchanges(theConnection, 1),
    takes(theConnection, { from: requestEnd(), to: requestAcked(), ms: 0, tolerance: { lateMs: 50 } }),
    takes(
      theConnection,
      {
        from: requestEnd(),
        to: mark('client', 'keep-alive-probe'),
        ms: scale.wholeSeconds(probeSeconds),
        tolerance: { earlyMs: 100 },
      },
      scale,
    ),
    inOrder(theConnection, ['client request', 'client keep-alive-probe', 'server keep-alive-answer', 'server response']),
    takes(theConnection, { from: requestEnd(), to: firstByte(), ms: scale.ms(waitSeconds) }, scale),
    takes(
      theConnection,
      { from: responseEnd(), to: fin('server'), ms: scale.ms(idleSeconds), tolerance: { lateMs: 700 + server.closesLateByMs } },
      scale,
    ),
    ends(theConnection, 'server', 'fin', 'idle'),
  ],
};
