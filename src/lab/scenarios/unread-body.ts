import { connections, exchanges, newPortEach, ofExchange } from '../expect-facts.js';
import { asking } from '../expectation.js';
import type { Ask } from '../peers/step.js';
import type { Scenario } from '../scenario.js';

const requestCount = 5;
const unread = '/large?unread';
const read = '/large?read';
const many = (ask: Ask): Ask[] => Array.from({ length: requestCount }, () => ask);

export const unreadBody: Scenario = {
  name: 'unread-body',
  line: 'a client that neither reads nor closes its bodies opens a connection each time; one that reads needs one',
  story:
    'Two clients ask five times each for a large body. One looks at the status only and lets the bodies lie, the other reads them.',
  fastest: 1,
  server: { usual: 'node', needs: [] },
  client: { usual: 'node', needs: ['unread'] },
  play: async (stage) => {
    await stage.server();
    const [careless, careful] = [await stage.client({ connections: 100 }), await stage.client({ connections: 100 })];
    await careless.take({ kind: 'in-turn', asks: many({ path: unread, unread: true }) });
    await careful.take({ kind: 'in-turn', asks: many({ path: read }) });
    await careful.leave();
  },
  expect: () => [
    connections(requestCount + 1),
    newPortEach(asking(unread)),
    ofExchange(asking(unread), 'every', 'the only one on its connection', ({ number }) => ({
      met: number === 1,
      showed: `number ${number} on its connection`,
    })),
    exchanges(asking(read), requestCount),
  ],
};
