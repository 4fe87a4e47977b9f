/** Why TCP keep-alive has to be more often than what stands on the way forgets. */

import { connections, exchanges, finding, lostRequests, tcpCount } from '../expect-facts.js';
import { mark, requestStart, responseEnd, takes } from '../expect-moments.js';
import { asking } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const forgetSeconds = 60;
const idleSeconds = 90;
const probeSeconds = 40;
const patienceSeconds = 60;
const silent = '/?silent';
const probing = '/?probing';

export const silentDrop: Scenario = {
  name: 'silent-drop',
  line: 'a middlebox forgets what is idle for 60 s: retransmissions into the void; with probes the connection lives',
  story:
    'A middlebox on the way forgets connections that are idle for 60 s, and drops their packets. Two clients ask, wait for 90 s and ask again on the same connection: one without TCP keep-alive, one with a probe after 40 s.',
  fastest: 20,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'plain', needs: ['hold', 'probes'] },
  link: (scale) => ({ roundTripMs: 20, middlebox: { forgetAfterMs: scale.ms(forgetSeconds), how: 'silent' } }),
  play: async (stage) => {
    const { scale } = stage;
    await stage.server({ idleTimeoutMs: 10 * 60_000 });
    const quiet = await stage.client();
    const prober = await stage.client({ probes: { idleMs: scale.wholeSeconds(probeSeconds) } });
    const pause = { kind: 'pause', ms: scale.ms(idleSeconds) } as const;
    const twice = (path: string) => [{ kind: 'ask', ask: get(path) } as const, pause, { kind: 'ask', ask: get(path) } as const];
    const waiting = quiet.take(...twice(silent));
    await prober.take(...twice(probing));
    await prober.leave();
    // The kernel would go on for a quarter of an hour; the client's patience ends before.
    await stage.pause(patienceSeconds);
    await quiet.stop();
    await waiting.catch(() => {});
  },
  expect: ({ scale }) => [
    connections(2),
    takes(asking(silent), { from: responseEnd(1), to: requestStart(2), ms: scale.ms(idleSeconds) }, scale),
    tcpCount(asking(silent), 'keepAliveProbes', 'client', 0, 0),
    tcpCount(asking(silent), 'retransmissions', 'client', 3),
    lostRequests(asking(silent), 1),
    finding('silent-drop'),
    takes(
      asking(probing),
      {
        from: responseEnd(1),
        to: mark('client', 'keep-alive-probe'),
        ms: scale.wholeSeconds(probeSeconds),
        tolerance: { earlyMs: 100 },
      },
      scale,
    ),
    tcpCount(asking(probing), 'keepAliveAnswers', 'server', 1),
    exchanges(asking(probing), 2),
    tcpCount(asking(probing), 'retransmissions', 'client', 0, 0),
  ],
};
