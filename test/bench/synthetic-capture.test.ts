/** What the capture maker says it wrote is what `explain` reads: the bench measures a reader that reads everything. */

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { kinds } from '../../bench/traffic.js';

describe('a synthetic capture', () => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-synthetic-'));
  const file = join(folder, 'capture.pcap');
  after(() => rmSync(folder, { recursive: true, force: true }));

  const make = (kind: string, packets: number) => {
    const options = ['--kind', kind, '--packets', String(packets), '-o', file];
    const { stderr } = spawnSync(process.execPath, ['.test-out/bench/make-capture.js', ...options], { encoding: 'utf8' });
    return JSON.parse(stderr);
  };

  for (const kind of kinds) {
    it(`of ${kind} traffic is read as it was written`, () => {
      const written = make(kind, 20_000);
      const options = { encoding: 'utf8', maxBuffer: 256 << 20 } as const;
      const { source, totals } = JSON.parse(
        execFileSync(process.execPath, ['bin/holdfast.js', 'explain', '--json', file], options),
      );
      assert.deepEqual(source.problems, []);
      assert.equal(source.packets, written.packets);
      assert.equal(source.bytes, written.bytes);
      const { connections, requests, responses, fins, resets, keepAliveProbes } = totals;
      assert.deepEqual(
        { connections, requests, responses, fins, resets, keepAliveProbes },
        {
          connections: written.connections,
          requests: written.requests,
          responses: written.responses,
          fins: written.fins,
          resets: written.resets,
          keepAliveProbes: written.keepAliveProbes,
        },
      );
    });
  }

  it('is the same byte for byte every time', () => {
    const digest = (): string => createHash('sha256').update(readFileSync(file)).digest('hex');
    make('mixed', 5000);
    const first = digest();
    make('mixed', 5000);
    assert.equal(digest(), first);
  });
});
