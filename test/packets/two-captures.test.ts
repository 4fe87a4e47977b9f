/** Two captures of the same traffic: the comparison finds what the way between them did, no more and no less. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { Comparison, SourceSummary } from 'holdfast/base';
import { CaptureComparer, observeCapture } from 'holdfast/packets';

function compare(first: Uint8Array, second: Uint8Array): Comparison {
  const comparer = new CaptureComparer();
  const read = (which: 'first' | 'second', file: Uint8Array): SourceSummary => {
    const capture = observeCapture({ observe: () => {}, tap: comparer.tap(which) });
    capture.push(file);
    return capture.end();
  };
  return comparer.end({ first: read('first', first), second: read('second', second) });
}

const hasTcpdump = spawnSync('tcpdump', ['--version']).status === 0;
const folder = 'test/packets/two-points';
const recorded = (name: string): Buffer => gunzipSync(readFileSync(`${folder}/${name}.pcap.gz`));
const truthOf = (name: string): Record<'client' | 'server', { lost: number; forged: number }> =>
  JSON.parse(readFileSync(`${folder}/${name}.json`, 'utf8'));

interface Packet {
  readonly header: Buffer;
  readonly data: Buffer;
}

/** A classic little-endian pcap with its packets changed, or left out (null). */
function edited(file: Buffer, change: (packet: Packet, index: number) => Packet | null): Buffer {
  const parts = [file.subarray(0, 24)];
  for (let at = 24, index = 0; at < file.length; index++) {
    const end = at + 16 + file.readUInt32LE(at + 8);
    const packet = { header: Buffer.from(file.subarray(at, at + 16)), data: Buffer.from(file.subarray(at + 16, end)) };
    const kept = change(packet, index);
    if (kept !== null) parts.push(kept.header, kept.data);
    at = end;
  }
  return Buffer.concat(parts);
}

const microsecondsOf = ({ header }: Packet): number => header.readUInt32LE(0) * 1e6 + header.readUInt32LE(4);

function at(packet: Packet, microseconds: number): Packet {
  packet.header.writeUInt32LE(Math.floor(microseconds / 1e6), 0);
  packet.header.writeUInt32LE(Math.round(microseconds % 1e6) % 1e6, 4);
  return packet;
}

/** Raw IP without options: flags and numbers stand at fixed places. */
const flagsOf = ({ data }: Packet): number => data[33]!;
const isFromServer = ({ data }: Packet): boolean => data.readUInt16BE(20) === 80;
const payloadOf = ({ data }: Packet): number => data.readUInt16BE(2) - 20 - (data[32]! >> 4) * 4;

const lostAndForged = ({ oneSided }: Comparison) => ({
  client: { lost: oneSided.client.lost, forged: oneSided.client.forged },
  server: { lost: oneSided.server.lost, forged: oneSided.server.forged },
});

for (const name of ['lossy', 'translated', 'forged']) {
  test(`${name}: what was lost and forged is what the way lost and forged`, () => {
    const [client, server] = [recorded(`${name}-client`), recorded(`${name}-server`)];
    const comparison = compare(client, server);
    assert.deepEqual(lostAndForged(comparison), truthOf(name));
    assert.equal(comparison.nearerToClient, 'first');
    for (const from of ['client', 'server'] as const) {
      assert.deepEqual([comparison.oneSided[from].unclear, comparison.oneSided[from].notCaptured], [0, 0]);
    }
    // The other way round it is the same.
    const reversed = compare(server, client);
    assert.deepEqual(lostAndForged(reversed), truthOf(name));
    assert.equal(reversed.nearerToClient, 'second');
    assert.equal(reversed.matchedPackets, comparison.matchedPackets);
  });
}

test('address translation and a rewritten segment size are told', () => {
  const { connections, matchedConnections } = compare(recorded('translated-client'), recorded('translated-server'));
  assert.equal(matchedConnections, 6);
  for (const { matchedBy, isTranslated, clientEnds, rewritten, hops } of connections) {
    assert.deepEqual([matchedBy, isTranslated], ['initial-sequence-numbers', true]);
    assert.match(clientEnds.join(' '), /^10\.9\.0\.1:\d+ 10\.9\.0\.77:\d+$/);
    assert.deepEqual(rewritten, ["client's maximum segment size 1460 → 1380", "server's maximum segment size 1460 → 1380"]);
    assert.deepEqual(hops, { client: 1, server: 1 });
  }
});

test('a forged reset is named with its packet and its strange time to live', () => {
  const { connections } = compare(recorded('forged-client'), recorded('forged-server'));
  const [connection] = connections;
  assert.equal(connection!.packets.length, 1);
  const [reset] = connection!.packets;
  assert.deepEqual([reset!.kind, reset!.why, reset!.seenIn, reset!.from], ['reset', 'forged', 'first', 'server']);
  assert.deepEqual([reset!.timeToLive, reset!.usualTimeToLive], [247, 63]);
});

test('clocks that are far apart and drift are aligned', () => {
  const driftPpm = 80;
  const offsetSeconds = -86_400 * 365;
  const start = microsecondsOf({ header: recorded('lossy-client').subarray(24, 40), data: Buffer.alloc(0) });
  // The recording takes seconds; drift shows over minutes: the same packets with sixty times the time between connections.
  const ports = new Map<number, number>();
  const spread = (packet: Packet): number => {
    const port = packet.data.readUInt16BE(isFromServer(packet) ? 22 : 20);
    if (!ports.has(port)) ports.set(port, ports.size);
    return microsecondsOf(packet) + ports.get(port)! * 20e6;
  };
  const client = edited(recorded('lossy-client'), (packet) => at(packet, spread(packet)));
  const server = edited(recorded('lossy-server'), (packet) => {
    const time = spread(packet);
    return at(packet, time + (time - start) * driftPpm * 1e-6 + offsetSeconds * 1e6);
  });
  const comparison = compare(client, server);
  const { clock } = comparison;
  assert.deepEqual(lostAndForged(comparison), truthOf('lossy'));
  assert.ok(Math.abs(clock!.driftPpm - driftPpm) < 10, `${clock!.driftPpm} ppm`);
  const off = clock!.offsetNs - offsetSeconds * 1e9;
  assert.ok(Math.abs(off) < 2e6 && Math.abs(off) < clock!.uncertaintyNs!, `${off} ns off`);
  // Each way takes 10 ms.
  for (const from of ['client', 'server'] as const) {
    const { leastNs } = comparison.delays[from]!;
    assert.ok(leastNs > 8e6 && leastNs < 14e6, `${leastNs} ns`);
  }
});

test('packets that a capture missed are not called lost', () => {
  // Every fifth packet with data is taken out of the server's capture; the client's shows that they arrived.
  let missed = 0;
  const server = edited(recorded('forged-server'), (packet, index) => {
    const isMissed = payloadOf(packet) > 0 && index % 5 === 0 && !isFromServer(packet);
    if (isMissed) missed++;
    return isMissed ? null : packet;
  });
  let missedSent = 0;
  const thinned = edited(server, (packet, index) => {
    const isMissed = payloadOf(packet) > 0 && isFromServer(packet) && index % 3 === 0;
    if (isMissed) missedSent++;
    return isMissed ? null : packet;
  });
  assert.ok(missedSent > 1);
  const { oneSided } = compare(recorded('forged-client'), thinned);
  assert.deepEqual([oneSided.client.lost, oneSided.client.notCaptured], [0, missed]);
  assert.deepEqual([oneSided.server.lost, oneSided.server.forged, oneSided.server.notCaptured], [0, 1, missedSent]);
});

test('captures that miss packets themselves accuse nobody', () => {
  for (const name of ['lossy', 'translated']) {
    const holed = (file: Buffer, every: number): Buffer => edited(file, (packet, index) => (index % every === 3 ? null : packet));
    const { client, server } = lostAndForged(
      compare(holed(recorded(`${name}-client`), 11), holed(recorded(`${name}-server`), 13)),
    );
    assert.deepEqual([client.forged, server.forged], [0, 0], name);
  }
});

test('two captures of one point have no way between them', () => {
  const holed = edited(recorded('lossy-client'), (packet, index) => (index % 7 === 0 ? null : packet));
  const comparison = compare(recorded('lossy-client'), holed);
  assert.equal(comparison.nearerToClient, null);
  assert.deepEqual(lostAndForged(comparison), { client: { lost: 0, forged: 0 }, server: { lost: 0, forged: 0 } });
});

test('a firewall that makes up sequence numbers is seen through', () => {
  const shift = (packet: Packet): Packet => {
    const place = isFromServer(packet) ? 28 : 24;
    const hasNumber = place === 24 || (flagsOf(packet) & 16) !== 0;
    if (hasNumber) packet.data.writeUInt32BE((packet.data.readUInt32BE(place) + 0x9876_5432) >>> 0, place);
    return packet;
  };
  const comparison = compare(recorded('lossy-client'), edited(recorded('lossy-server'), shift));
  assert.deepEqual(lostAndForged(comparison), truthOf('lossy'));
  assert.ok(comparison.connections.every(({ hasShiftedNumbers, matchedBy }) => hasShiftedNumbers && matchedBy === 'addresses'));
});

test('bytes that were cut into other segments on the way are the same bytes', () => {
  // What a sending machine captures with segmentation offload: two segments in a row as one.
  let merged = 0;
  const parts: Packet[] = [];
  edited(recorded('forged-server'), (packet) => {
    const last = parts.at(-1);
    const follows =
      last !== undefined &&
      isFromServer(last) &&
      isFromServer(packet) &&
      payloadOf(last) > 0 &&
      payloadOf(packet) > 0 &&
      payloadOf(last) < 2000 &&
      last.data.readUInt32BE(24) + payloadOf(last) === packet.data.readUInt32BE(24);
    if (follows) {
      merged++;
      last.data.writeUInt16BE(last.data.readUInt16BE(2) + payloadOf(packet), 2);
      last.header.writeUInt32LE(last.header.readUInt32LE(12) + payloadOf(packet), 12);
    } else parts.push(packet);
    return null;
  });
  assert.ok(merged > 3);
  const server = Buffer.concat([
    recorded('forged-server').subarray(0, 24),
    ...parts.flatMap(({ header, data }) => [header, data]),
  ]);
  const { oneSided } = compare(recorded('forged-client'), server);
  assert.deepEqual(oneSided.server, { lost: 0, forged: 1, notCaptured: 0, unclear: 0 });
});

test('where one capture had not begun, nothing is missing; after its end nothing is certain', () => {
  const whole = recorded('lossy-client');
  const late = compare(
    whole,
    edited(recorded('lossy-server'), (packet, index) => (index < 60 ? null : packet)),
  );
  const truth = truthOf('lossy');
  const found = lostAndForged(late);
  assert.ok(found.client.lost <= truth.client.lost && found.server.lost <= truth.server.lost);
  assert.deepEqual([found.client.forged, found.server.forged], [0, 0]);
  const early = compare(
    whole,
    edited(recorded('lossy-server'), (packet, index) => (index > 300 ? null : packet)),
  );
  assert.deepEqual([lostAndForged(early).client.forged, lostAndForged(early).server.forged], [0, 0]);
  assert.ok(early.oneSided.client.unclear > 0);
  assert.ok(lostAndForged(early).client.lost <= truth.client.lost);
});

test('captures with nothing in common are told apart; one capture twice differs in nothing', () => {
  const nothing = compare(recorded('lossy-client'), readFileSync('examples/kept-healthy.pcap'));
  assert.deepEqual([nothing.clock, nothing.matchedConnections, nothing.nearerToClient], [null, 0, null]);
  const twice = compare(recorded('lossy-client'), recorded('lossy-client'));
  assert.deepEqual(lostAndForged(twice), { client: { lost: 0, forged: 0 }, server: { lost: 0, forged: 0 } });
  assert.equal(twice.clock!.offsetNs, 0);
  assert.equal(twice.nearerToClient, null);
});

test('a connection that never arrived is in one capture only', () => {
  const clientPort = (packet: Packet): number => packet.data.readUInt16BE(isFromServer(packet) ? 22 : 20);
  const ports = new Set<number>();
  edited(recorded('lossy-client'), (packet) => {
    ports.add(clientPort(packet));
    return null;
  });
  const port = [...ports][5]!;
  const openings = edited(recorded('lossy-client'), (packet) =>
    clientPort(packet) === port && (isFromServer(packet) || flagsOf(packet) !== 2) ? null : packet,
  );
  const without = edited(recorded('lossy-server'), (packet) => (clientPort(packet) === port ? null : packet));
  const { oneSidedConnections, oneSidedConnectionCounts, matchedConnections } = compare(openings, without);
  assert.deepEqual([matchedConnections, oneSidedConnectionCounts], [11, { first: 1, second: 0 }]);
  const { seenIn, isAnswered, client } = oneSidedConnections[0]!;
  assert.deepEqual([seenIn, isAnswered, client], ['first', false, `10.9.0.1:${port}`]);
});

test('listings can be compared as captures are', { skip: hasTcpdump ? false : 'tcpdump is not installed' }, () => {
  for (const name of ['lossy', 'translated', 'forged']) {
    const listed = ['client', 'server'].map((side) => {
      const { stdout, status } = spawnSync('tcpdump', ['-nvv', '-tt', '-r', '-'], { input: recorded(`${name}-${side}`) });
      assert.equal(status, 0);
      return stdout;
    });
    assert.deepEqual(lostAndForged(compare(listed[0]!, listed[1]!)), truthOf(name), name);
  }
});
