/**
 * A half-closed connection to its end: the idle timeout of the server, a client in CLOSE_WAIT, and what its TCP keep-alive finds (RFC 9293
 * §3.6, §3.8.4). The server's kernel forgets a connection that only the server has closed after `tcp_fin_timeout`, which is scaled too.
 */

import { connections, countedInKernel, ends, exchanges, noFin } from '../expect-facts.js';
import { fin, inOrder, responseEnd, takes } from '../expect-moments.js';
import { theConnection, withKernelSettings } from '../expectation.js';
import type { Scale } from '../scale.js';
import type { Scenario } from '../scenario.js';

const idleSeconds = 60;
const probeSeconds = 45;
const lingerSeconds = 5;
/** How long the server's kernel remembers a connection that only the server has closed (tcp_fin_timeout). */
const forgetSeconds = (scale: Scale): number => scale.wholeSeconds(60) / 1000;

export const idleClose: Scenario = {
  name: 'idle-close',
  line: 'one request, then silence, and a client that holds on: FIN, CLOSE_WAIT, a probe, and RST',
  story:
    'An idle timeout of 60 s. The client asks once and never closes: it acknowledges the FIN of the server and stays in CLOSE_WAIT. When the kernel of the server has forgotten the connection, the TCP keep-alive probe of the client is answered by a RST.',
  fastest: 40,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'plain', needs: ['hold-closed', 'probes'] },
  kernel: (scale) => ({ tcp_fin_timeout: forgetSeconds(scale) }),
  play: async (stage) => {
    const { scale } = stage;
    const lingerMs = scale.ms(lingerSeconds);
    const server = await stage.server({ idleTimeoutMs: scale.ms(idleSeconds), lingerMs });
    const client = await stage.client({ holdsOn: true, probes: { idleMs: scale.wholeSeconds(probeSeconds) } });
    await client.ask('/');
    await client.untilClosed(scale.ms(2 * idleSeconds));
    stage.count('CLOSE_WAIT', 'client', server);
    await stage.pauseMs(lingerMs + 1000 * forgetSeconds(scale) + 2 * scale.wholeSeconds(probeSeconds) + 500);
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
    // Without the RST the client still has its socket at the end, and its end is a FIN.
    withKernelSettings(noFin(theConnection, 'client')),
    countedInKernel('CLOSE_WAIT', 'client', 1),
    withKernelSettings(inOrder(theConnection, ['server fin', 'client keep-alive-probe', 'server reset'])),
  ],
};
