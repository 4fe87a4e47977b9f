/** A short, bounded run of the differential fuzzer, beside whatever servers are installed here. `npm run fuzz` runs it for as long as one likes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fuzz } from '../../scripts/peers/fuzz.js';
import { startPeers } from '../../scripts/peers/start.js';

test('the same streams to our server and to others: every difference is explained', async (context) => {
  const { peers, missing, stop } = await startPeers(['holdfast', 'node:http', 'nginx', 'Apache']);
  try {
    if (missing.length > 0) context.diagnostic(`not installed, so not compared with: ${missing.join(', ')}`);
    const report = await fuzz(peers, { firstSeed: 1, count: 400, atOnce: 20, quietMs: 100 });
    context.diagnostic(`${report.streams} streams, ${report.comparisons} comparisons`);
    const finds = report.finds.map(
      (find) => `seed ${find.seed}, ${find.peer}: ${JSON.stringify(find.difference)} ${JSON.stringify(find.stream)}`,
    );
    assert.deepEqual(finds, []);
    assert.ok(report.explained.size > 5, 'the streams are odd enough to make differences');
  } finally {
    await stop();
  }
});
