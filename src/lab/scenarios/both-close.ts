import { closesFourWays, connections, countedInKernel, ends } from '../expect-facts.js';
import { connectionNumber, each } from '../expectation.js';
import type { Scenario } from '../scenario.js';

const idleSeconds = 10;

export const bothClose: Scenario = {
  name: 'both-close',
  line: 'FIN and ACK both ways, by the client first and by the server first: TIME_WAIT is on the first closer',
  story:
    'An idle timeout of 10 s. The client closes its first connection after the response; on the second it waits for the FIN of the server and answers it.',
  fastest: 10,
  server: { usual: 'holdfast', needs: ['orderly-close'] },
  client: { usual: 'plain', needs: ['hold', 'many-lists'] },
  play: async (stage) => {
    const { scale } = stage;
    const server = await stage.server({ idleTimeoutMs: scale.ms(idleSeconds) });
    const client = await stage.client();
    await client.ask('/');
    await client.leave();
    await client.ask('/');
    await client.untilClosed(scale.ms(2 * idleSeconds));
    await stage.pauseMs(100);
    stage.count('TIME_WAIT', 'client', server);
    stage.count('TIME_WAIT', 'server', server);
  },
  expect: () => [
    connections(2),
    ends(connectionNumber(1), 'client', 'fin', ['idle', 'after-response']),
    ends(connectionNumber(2), 'server', 'fin', 'idle'),
    closesFourWays(each),
    countedInKernel('TIME_WAIT', 'client', 1),
    countedInKernel('TIME_WAIT', 'server', 1),
  ],
};
