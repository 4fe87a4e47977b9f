/** TCP keep-alive to its end (RFC 9293 §3.8.4): probes, intervals, and the abort after the last unanswered one. */

import { connections, ends, exchanges, tcpCount } from '../expect-facts.js';
import { mark, responseEnd, takes } from '../expect-moments.js';
import { theConnection } from '../expectation.js';
import type { Scale } from '../scale.js';
import type { Scenario } from '../scenario.js';

const probesOf = (scale: Scale) => ({
  idleMs: scale.wholeSeconds(60),
  intervalMs: scale.wholeSeconds(15),
  count: 5,
});
const kind = 'keep-alive-probe';
/** The link's thread, which records, may be late on a busy machine. */
const tolerance = { earlyMs: 100, lateMs: 900 };

export const tcpKeepalive: Scenario = {
  name: 'tcp-keepalive',
  line: 'TCP keep-alive of 60 s, 15 s and 5 probes, and a link that drops everything: probes, then the abort',
  story:
    "The server's sockets have TCP keep-alive: the first probe after 60 s of idleness, the next ones 15 s apart, five in all. After one exchange the link is cut. Recorded at the server's end.",
  fastest: 20,
  server: { usual: 'holdfast', needs: ['probe-timing'] },
  client: { usual: 'plain', needs: ['hold'] },
  link: () => ({ roundTripMs: 20 }),
  recordedEnd: 'server',
  play: async (stage) => {
    const probes = probesOf(stage.scale);
    await stage.server({ idleTimeoutMs: 10 * 60_000, probes });
    const client = await stage.client();
    await client.ask('/');
    await stage.pauseMs(200);
    stage.link.change({ cut: true });
    stage.tell('the link drops everything from here on');
    await stage.pauseMs(probes.idleMs + probes.count * probes.intervalMs + 1000);
  },
  expect: ({ scale }) => {
    const { idleMs, intervalMs, count } = probesOf(scale);
    return [
      connections(1),
      exchanges(theConnection, 1),
      tcpCount(theConnection, 'keepAliveProbes', 'server', count, count),
      ...Array.from({ length: count }, (_, index) =>
        takes(theConnection, {
          from: responseEnd(),
          to: mark('server', kind, index + 1),
          ms: idleMs + index * intervalMs,
          tolerance,
        }),
      ),
      takes(theConnection, { from: responseEnd(), to: mark('server', 'reset'), ms: idleMs + count * intervalMs, tolerance }),
      ends(theConnection, 'network', 'rst', 'probes-unanswered'),
    ];
  },
};
