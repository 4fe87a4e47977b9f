/** The race that every pool runs (RFC 9112 §9.5): a request and the close of an idle connection cross on the way. */

import { exchangesTogether, finding, lostRequests } from '../expect-facts.js';
import { fin, inOrder, requestStart, takes } from '../expect-moments.js';
import { asking, askingWith } from '../expectation.js';
import { post } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const idleSeconds = 5;
const roundTripMs = 400;
/** In the middle of the time in which the FIN is on its way to the client. */
const aimMs = roundTripMs / 4;
const naive = '/orders?naive';
const ours = '/orders?ours';
const ourCount = 4;

export const staleReuse: Scenario = {
  name: 'stale-reuse',
  line: 'an idle timeout just under that of the client: a POST crosses the FIN and is lost, but none of ours',
  story:
    'The server closes after 5 s of idleness; it neither says so before nor waits for anything after. Over a link with a round trip of 400 ms two clients send a POST when the FIN of the server is already on its way: one that trusts its connection, and the client of the engine.',
  fastest: 4,
  server: { usual: 'holdfast', needs: [] },
  client: { usual: 'plain', needs: ['hold', 'post'] },
  link: () => ({ roundTripMs }),
  measures: true,
  play: async (stage) => {
    const idleMs = stage.scale.ms(idleSeconds);
    await stage.server({ idleTimeoutMs: idleMs, hint: false, lingerMs: 0 });
    // The client has the response half a round trip after the server's timer began.
    const pause = { kind: 'pause', ms: idleMs + stage.closesLateByMs - aimMs } as const;
    const ask = (path: string) => ({ kind: 'ask', ask: post(path) }) as const;
    const trusting = await stage.client();
    const careful = await stage.ourClient();
    await Promise.all([
      trusting.take(ask(naive), pause, ask(naive)),
      careful.take(...Array.from({ length: ourCount }, (_, index) => (index === 0 ? [ask(ours)] : [pause, ask(ours)])).flat()),
    ]);
    await careful.leave();
  },
  expect: () => [
    inOrder(asking(naive), ['server response', 'client request', 'server fin', 'server reset']),
    takes(asking(naive), { from: requestStart(2), to: fin('server'), ms: aimMs, tolerance: { earlyMs: aimMs, lateMs: aimMs } }),
    lostRequests(asking(naive), 1),
    finding('stale-reuse'),
    lostRequests(askingWith(ours), 0),
    exchangesTogether(askingWith(ours), ourCount),
  ],
};
