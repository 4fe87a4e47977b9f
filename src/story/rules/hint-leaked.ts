import { agrees } from '../diagnosis-inference.js';
import type { Rule } from '../diagnosis-rule.js';
import { endpointWords } from '../diagnosis-words.js';
import type { HintedExchange, ServerFacts } from '../facts-server.js';
import type { WholeFacts } from '../facts-whole.js';
import { isLoopback } from '../ip-network.js';

/** Of the exchanges that carry the announcement, where all are for the same target. */
const nestedShare = 0.8;

export const hintLeaked: Rule = {
  id: 'hint-leaked',
  level: 'warning',
  confidence: 'medium',
  owner: 'proxy',
  title: 'A proxy passes on the Keep-Alive announcement of the server behind it',
  prose:
    'The Keep-Alive field speaks about one connection only: the one it travels on. This proxy hands its upstream’s field through to its own ' +
    'callers, whose connections are governed by the proxy’s own timers. Callers plan with a number that does not apply to them: too ' +
    'short costs them connections, too long costs them requests.',
  notToConfuseWith: 'A server that announces one time and keeps another itself (hint-broken).',
  fixes: [
    { for: 'HAProxy', setting: 'http-response del-header Keep-Alive', why: 'the field is for the connection to the server only' },
    {
      for: 'nginx as proxy',
      setting: 'proxy_hide_header Keep-Alive;',
      why: 'nginx then announces its own if it is set to',
    },
    {
      for: 'Apache httpd as proxy',
      setting: 'Header unset Keep-Alive',
      why: 'what the server behind it announces is not for the callers',
    },
    {
      for: 'a proxy of your own',
      setting: 'remove Connection, Keep-Alive, Proxy-Connection, TE, Trailer, Transfer-Encoding and Upgrade',
      why: 'RFC 9110 §7.6.1',
    },
  ],
  onServer: (proxy, whole) => {
    const leaked = leakedFrom(proxy, whole);
    if (leaked === null) return null;
    const { upstream, inner, outer } = leaked;
    const carriers = [outer, ...proxy.hinted].map(({ connection }) => connection);
    return {
      packets: [inner.packet, outer.packet],
      connections: [...new Set(carriers)],
      text: () =>
        `It announces timeout=${proxy.announcedSeconds()}, which is what ${endpointWords(upstream.endpoint)} behind it announced in packet ${inner.packet}, and does not keep to it.`,
    };
  },
  sum: () => '',
};

/** Whose announcement the proxy passes on, with an exchange of that server and the proxy's around it; null when there is none. */
export function leakedFrom(
  proxy: ServerFacts,
  { servers, mayHaveProxies }: WholeFacts,
): { upstream: ServerFacts; outer: HintedExchange; inner: HintedExchange } | null {
  if (!mayHaveProxies) return null;
  const seconds = proxy.announcedSeconds();
  if (seconds === null || proxy.hinted.length === 0 || !keepsAnotherTime(proxy, seconds)) return null;
  for (const upstream of servers.entries) {
    if (upstream === proxy || upstream.announcedSeconds() !== seconds) continue;
    if (
      ![...upstream.pairs.keys()].some((clientAddress) => clientAddress === proxy.endpoint.address || isLoopback(clientAddress))
    )
      continue;
    const within = nested(proxy.hinted, upstream.hinted);
    // By chance some of two busy servers' exchanges lie within each other.
    const targets = new Set(within.map(([{ target }]) => target));
    if (within.length < 2 || (targets.size < 2 && within.length < nestedShare * proxy.hinted.length)) continue;
    const [outer, inner] = within[0]!;
    return { upstream, outer, inner };
  }
  return null;
}

/** The announcement is not this server’s own: it keeps idle connections longer or closes them at another time. */
function keepsAnotherTime(server: ServerFacts, seconds: number): boolean {
  if (server.longestSurvivedGapNs > 1.1 * seconds * 1e9 + 100e6) return true;
  const measured = server.idleTimeout();
  return measured !== null && !agrees(measured.value, seconds * 1e9);
}

/** Exchanges of the upstream that lie within one for the same target at the proxy. */
function nested(outers: readonly HintedExchange[], inners: readonly HintedExchange[]): [HintedExchange, HintedExchange][] {
  return outers.flatMap((outer) => {
    const inner = inners.find(
      ({ startNs, endNs, target }) => target === outer.target && startNs >= outer.startNs && endNs <= outer.endNs,
    );
    return inner === undefined ? [] : [[outer, inner] as [HintedExchange, HintedExchange]];
  });
}
