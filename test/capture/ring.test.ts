/** The packet ring on real traffic, in a network namespace of its own, beside tcpdump. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { CaptureError, captureLimits, openPacketSource, type PacketSourceOptions } from 'holdfast/capture';
import { readWritten } from './own-pcapng.js';
import { collect, ip, sendFrames, startServer, talk, told, whyNoProgram, whyNoRing, whyNoVeth } from './own-traffic.js';

const noRing = await whyNoRing();
const noProgram = noRing ?? (await whyNoProgram());
const noVeth = noRing ?? whyNoVeth();

const onRing = (name: string, body: (context: TestContext) => Promise<void>, skip = noRing): void => {
  test(name, { skip: skip ?? false }, body);
};

/** The bytes of a capture of some traffic, and its counts. */
async function captured(options: PacketSourceOptions, traffic: () => Promise<unknown>) {
  const source = await openPacketSource(options);
  const file = collect(source);
  await traffic();
  await source.stop();
  return { file: await file, statistics: source.statistics() };
}

onRing('the ring and tcpdump tell the same of the same traffic', beside, noProgram);

async function beside(): Promise<void> {
  const server = await startServer();
  try {
    const filter = `tcp port ${server.port}`;
    const sources = await Promise.all([
      openPacketSource({ interface: 'lo', filter, by: 'ring' }),
      openPacketSource({ interface: 'lo', filter, by: 'program' }),
      openPacketSource({ interface: 'any', filter, by: 'ring' }),
      openPacketSource({ interface: 'any', filter, by: 'program' }),
      openPacketSource({ interface: 'lo', filter: `(inbound or outbound) and ${filter}`, by: 'ring' }),
      openPacketSource({ interface: 'any', filter: `(inbound or outbound) and ${filter}`, by: 'ring' }),
    ]);
    const files = Promise.all(sources.map(collect));
    await talk(server.port, 20, 5);
    await Promise.all(sources.map((source) => source.stop()));
    const [ring, ...others] = (await files).map(told);
    assert.equal(ring!.totals.connections, 20);
    assert.equal(ring!.totals.requests, 100);
    assert.equal(ring!.totals.responses, 100);
    assert.equal(ring!.totals.retransmissions, 0);
    assert.equal(ring!.problems, 0);
    for (const [index, other] of others.entries()) assert.deepEqual(other, ring, sources[index + 1]!.name);
    for (const [index, source] of sources.entries()) {
      assert.equal(source.statistics().delivered, ring!.packets, source.name);
      const written = readWritten((await files)[index]!);
      assert.equal(written.linkType, source.name.startsWith('any') ? 276 : 1);
      assert.equal(written.types.at(-1), 5);
    }
  } finally {
    await server.close();
  }
}

onRing('the same bytes as tcpdump, packet for packet', sameBytes, noProgram);

async function sameBytes(): Promise<void> {
  const server = await startServer();
  try {
    const beganNs = BigInt(Date.now()) * 1_000_000n;
    const options = { interface: 'lo', filter: `port ${server.port}`, snapLength: 120 };
    const ring = await openPacketSource({ ...options, by: 'ring' });
    const program = await openPacketSource({ ...options, by: 'program' });
    const files = Promise.all([collect(ring), collect(program)]);
    await talk(server.port, 3, 3);
    await Promise.all([ring.stop(), program.stop()]);
    const [ours, theirs] = (await files).map(readWritten);
    assert.ok(ours!.packets.length > 20);
    const plain = ({ packets }: typeof ours & object) => packets.map(({ original, data }) => ({ original, data }));
    assert.deepEqual(plain(ours!), plain(theirs!));
    for (const { timeNs } of ours!.packets)
      assert.ok(timeNs >= beganNs && timeNs <= BigInt(Date.now() + 1) * 1_000_000n, `${timeNs}`);
  } finally {
    await server.close();
  }
}

onRing('every packet that passed the filter is delivered, also the last before the stop', async () => {
  const server = await startServer();
  try {
    for (let round = 0; round < 5; round += 1) {
      const { file, statistics } = await captured({ interface: 'lo', filter: `port ${server.port}` }, () =>
        talk(server.port, 2, 2),
      );
      const { packets, totals } = told(file);
      assert.equal(totals.requests, 4);
      assert.equal(totals.fins, 4);
      assert.equal(statistics.delivered, packets);
      assert.equal(statistics.received, packets);
    }
  } finally {
    await server.close();
  }
});

onRing('it ends by itself after so many packets', async () => {
  const server = await startServer();
  try {
    const source = await openPacketSource({ interface: 'lo', filter: `port ${server.port}`, packetLimit: 7 });
    const file = collect(source);
    await talk(server.port, 2, 2);
    assert.equal(readWritten(await file).packets.length, 7);
    assert.equal(source.statistics().delivered, 7);
    await source.stop();
  } finally {
    await server.close();
  }
});

/** Sends so many bytes over loopback. */
async function pour(byteCount: number): Promise<void> {
  const server = await startServer('x'.repeat(1 << 20));
  try {
    const socket = connect(server.port, '127.0.0.1');
    let left = byteCount;
    socket.on('data', (data) => {
      left -= data.length;
      if (left <= 0) socket.destroy();
    });
    for (let sent = 0; sent < byteCount; sent += 1 << 20) socket.write('GET / HTTP/1.1\r\n\r\n');
    await once(socket, 'close');
  } finally {
    await server.close();
  }
}

onRing('a reader that is behind loses packets, and all of them are counted', async () => {
  const source = await openPacketSource({ interface: 'lo', whenBehind: 'drop' });
  await pour(captureLimits.queuedBytes * 2);
  await source.stop();
  const { packets } = readWritten(await collect(source));
  const { received, delivered, droppedByKernel, droppedBySource } = source.statistics();
  assert.ok(droppedBySource > 0, 'nothing was dropped');
  assert.equal(delivered, packets.length);
  assert.equal(received, delivered + droppedBySource + droppedByKernel!);
});

onRing('a reader that is waited for loses packets in the kernel only', async () => {
  const source = await openPacketSource({ interface: 'lo', whenBehind: 'wait', bufferBytes: captureLimits.leastBufferBytes });
  await pour(captureLimits.queuedBytes * 2);
  await source.stop();
  const { packets, statistics } = readWritten(await collect(source));
  const { received, delivered, droppedByKernel, droppedBySource } = source.statistics();
  assert.equal(droppedBySource, 0);
  assert.ok(droppedByKernel! > 0, 'nothing was dropped');
  assert.equal(delivered, packets.length);
  assert.equal(received, delivered + droppedByKernel!);
  assert.equal(statistics.get(7), BigInt(droppedByKernel!), 'the file says it too');
});

onRing('a reader that leaves early does not hold the capture up', async () => {
  const source = await openPacketSource({ interface: 'lo', whenBehind: 'wait' });
  for await (const chunk of source.chunks) {
    assert.ok(chunk.length > 0);
    break;
  }
  await pour(captureLimits.queuedBytes * 2);
  await source.stop();
  assert.equal(source.statistics().droppedBySource, 0);
});

onRing('VLAN tags that the kernel took off are there again, as with tcpdump', vlan, noVeth ?? noProgram);

async function vlan(): Promise<void> {
  ip('link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1');
  try {
    for (const name of ['wire0', 'wire1']) ip('link', 'set', name, 'up');
    const options = { interface: 'wire1', filter: 'vlan 100' };
    const ring = await openPacketSource({ ...options, by: 'ring' });
    const program = await openPacketSource({ ...options, by: 'program' });
    const files = Promise.all([collect(ring), collect(program)]);
    const frames = [46, 100, 1500].map((length) =>
      Buffer.concat([Buffer.from('020000000002020000000001810020640800', 'hex'), Buffer.alloc(length, length)]),
    );
    sendFrames('wire0', frames);
    await Promise.all([ring.stop(), program.stop()]);
    const [ours, theirs] = (await files).map(readWritten);
    assert.deepEqual(
      ours!.packets.map(({ data }) => data),
      frames,
    );
    assert.deepEqual(
      theirs!.packets.map(({ data, original }) => ({ data, original })),
      ours!.packets.map(({ data, original }) => ({ data, original })),
    );
    for (const { flags } of ours!.packets) assert.equal(flags, 0b10001, 'incoming, for another host');
  } finally {
    ip('link', 'del', 'wire0');
  }
}

const failsWith = (code: string, text: RegExp) => (error: unknown) =>
  error instanceof CaptureError && error.code === code && text.test(error.message);

onRing(
  'an interface that goes down or away ends the capture by name, and what was captured is handed out',
  async () => {
    for (const [how, said] of [
      [['link', 'set', 'wire1', 'down'], /wire1 went down/],
      [['link', 'del', 'wire1'], /wire1 went away/],
    ] as const) {
      ip('link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1');
      for (const name of ['wire0', 'wire1']) ip('link', 'set', name, 'up');
      ip('address', 'add', '198.18.7.1/24', 'dev', 'wire0');
      ip('neighbour', 'add', '198.18.7.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'wire0');
      const source = await openPacketSource({ interface: 'wire1', filter: 'udp port 9' });
      const socket = createSocket('udp4');
      await new Promise((resolve) => socket.send('datagram', 9, '198.18.7.2', resolve));
      socket.close();
      ip(...how);
      const chunks: Uint8Array[] = [];
      await assert.rejects(
        async () => {
          for await (const chunk of source.chunks) chunks.push(chunk);
        },
        failsWith('interface-down', said),
      );
      assert.equal(readWritten(Buffer.concat(chunks)).packets.length, 1);
      await source.stop();
      if (how[1] === 'set') ip('link', 'del', 'wire0');
    }
  },
  noVeth,
);

onRing(
  'an interface that is down is refused',
  async () => {
    ip('link', 'add', 'wire0', 'type', 'veth', 'peer', 'name', 'wire1');
    try {
      await assert.rejects(openPacketSource({ interface: 'wire0' }), failsWith('interface-down', /wire0 is down/));
    } finally {
      ip('link', 'del', 'wire0');
    }
  },
  noVeth,
);

onRing('what is not there or not understood is refused by name', async () => {
  const refused = (options: PacketSourceOptions, code: string, text: RegExp) =>
    assert.rejects(openPacketSource(options), failsWith(code, text));
  await refused({ interface: 'nothing0' }, 'no-interface', /no interface nothing0/);
  await refused({ interface: 'a-name-that-no-interface-can-have' }, 'no-interface', /no interface/);
  await refused({ interface: 'lo', filter: 'port' }, 'bad-filter', /character 5\n {2}port\n {6}\^/);
  await refused({ interface: 'lo', filter: 'port nonsense' }, 'bad-filter', /./);
});

onRing('a process may capture again and again, and several at a time', async () => {
  const server = await startServer();
  try {
    const all = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(() => openPacketSource({ interface: 'lo', filter: `port ${server.port}`, bufferBytes: 2 << 20 })),
    );
    const files = all.map(collect);
    await talk(server.port, 1, 1);
    for (const source of all) await source.stop();
    const counts = (await Promise.all(files)).map((file) => told(file).packets);
    assert.ok(counts[0]! > 0);
    assert.deepEqual(counts, Array(6).fill(counts[0]));
  } finally {
    await server.close();
  }
});
