/** Pairs of a client address and a server keep their slots, and are found again, whatever comes and goes. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PairedServer, PairTable } from '#dist/story/facts-pair-table.js';
import { randomFrom } from '../packets/fuzz-captures.js';

const serverOf = (number: number): PairedServer => ({ number, firstPair: -1, lastPair: -1 });

describe('a table of pairs', () => {
  it('finds what was added, and nothing else', () => {
    const servers = [serverOf(0), serverOf(1)];
    const table = new PairTable(64, () => assert.fail('there is room'));
    const slots = servers.flatMap((server) => Array.from({ length: 30 }, (_, n) => table.add(server, `192.0.2.${n}`)));
    assert.equal(new Set(slots).size, 60);
    for (const [place, slot] of slots.entries()) {
      assert.equal(table.find(servers[place < 30 ? 0 : 1]!, `192.0.2.${place % 30}`), slot);
      assert.equal(table.addresses[slot], `192.0.2.${place % 30}`);
    }
    assert.equal(table.find(servers[0]!, '192.0.2.30'), -1);
    assert.equal(table.find(serverOf(2), '192.0.2.1'), -1);
    assert.deepEqual(table.slotsOf(servers[1]!), slots.slice(30));
  });

  it('gives away the slot of one that was not used for a round', () => {
    const server = serverOf(0);
    const retired: string[] = [];
    const table: PairTable<PairedServer> = new PairTable(4, (slot) => retired.push(table.addresses[slot]!));
    for (const address of ['a', 'b', 'c', 'd']) table.add(server, address);
    // All were used: the hand goes round once and takes the first.
    table.add(server, 'e');
    assert.deepEqual(retired, ['a']);
    table.find(server, 'b');
    table.add(server, 'f');
    assert.deepEqual(retired, ['a', 'c']);
    assert.deepEqual(
      table.slotsOf(server).map((slot) => table.addresses[slot]),
      ['b', 'd', 'e', 'f'],
    );
    assert.equal(table.find(server, 'a'), -1);
  });

  for (const seed of [1, 2, 3, 4]) {
    it(`is like a list of pairs in order of first use, seed ${seed}`, () => {
      const random = randomFrom(seed);
      const servers = Array.from({ length: 5 }, (_, number) => serverOf(number));
      const limit = 40;
      let model: { server: PairedServer; address: string; slot: number }[] = [];
      const table = new PairTable<PairedServer>(limit, (slot) => {
        const one = model.find((pair) => pair.slot === slot);
        assert.ok(one !== undefined && table.servers[slot] === one.server && table.addresses[slot] === one.address);
        model = model.filter((pair) => pair !== one);
      });
      for (let step = 0; step < 5000; step++) {
        const server = servers[random(servers.length)]!;
        const address = `10.0.0.${random(20)}`;
        if (random(500) === 0) {
          table.forget(server);
          model = model.filter((pair) => pair.server !== server);
        } else {
          const known = model.find((pair) => pair.server === server && pair.address === address);
          assert.equal(table.find(server, address), known?.slot ?? -1);
          if (known === undefined) {
            const slot = table.add(server, address);
            model.push({ server, address, slot });
          }
        }
        assert.ok(model.length <= limit);
        const ofServer = model.filter((pair) => pair.server === server).map(({ slot }) => slot);
        assert.deepEqual(table.slotsOf(server), ofServer);
      }
      assert.ok(model.length > limit / 2);
    });
  }
});
