/** `Keep-Alive: timeout=N, max=M` (RFC 2068 §19.7.1): advice that counts down, and a last response that keeps its word. */

import { asksForClose, connections, endsAsAnnounced, exchanges, ofExchange } from '../expect-facts.js';
import { fin, responseEnd, takes } from '../expect-moments.js';
import { type Expectation, theConnection } from '../expectation.js';
import { get } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const timeoutSeconds = 10;
const requestCount = 5;

/** The response to request `number` announces how long and for how many requests more. */
const announces = (number: number): Expectation =>
  ofExchange(theConnection, number, `Keep-Alive: timeout=…, max=${requestCount - number}`, ({ hint }) => ({
    met:
      hint !== null &&
      hint.max === requestCount - number &&
      hint.timeoutSeconds !== null &&
      hint.timeoutSeconds <= timeoutSeconds,
    showed: hint === null ? 'no Keep-Alive field' : `timeout=${hint.timeoutSeconds ?? 'none'}, max=${hint.max ?? 'none'}`,
  }));

export const counted: Scenario = {
  name: 'counted',
  line: 'Keep-Alive: timeout=10, max=… counts down with each response; the last says close, then FIN',
  story: 'A server that takes five requests on a connection, and says with each response how many are left.',
  fastest: 1,
  server: { usual: 'holdfast', needs: ['counted-hint'] },
  client: { usual: 'node', needs: [] },
  play: async (stage) => {
    await stage.server({ idleTimeoutMs: stage.scale.ms(timeoutSeconds), maxRequests: requestCount });
    const client = await stage.client();
    await client.take({ kind: 'in-turn', asks: Array.from({ length: requestCount }, () => get('/')) });
    await client.untilClosed(5000);
  },
  expect: () => [
    connections(1),
    exchanges(theConnection, requestCount),
    ...Array.from({ length: requestCount - 1 }, (_, index) => announces(index + 1)),
    asksForClose(theConnection, requestCount - 1, 'none'),
    asksForClose(theConnection, 'last', 'server'),
    endsAsAnnounced(theConnection),
    takes(theConnection, { from: responseEnd(), to: fin('server'), ms: 0, tolerance: { lateMs: 100 } }),
  ],
};
