/**
 * The link itself: real sockets on it, in a network namespace of its own. The file runs again in there; where that or a TUN device
 * cannot be had, every test is skipped with the reason.
 */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { test } from 'node:test';
import type { Observation } from 'holdfast/base';
import { CaptureError, enterOwnNetwork, type Link, type LinkOptions, measurePingPong, openLink } from 'holdfast/capture';
import { observeCapture } from 'holdfast/packets';
import { applySettings, newSettings, toServer } from '#dist/capture/link-settings.js';
import { fates, LinkFate } from '#dist/capture/link-way.js';

const startedOutside = process.env.HOLDFAST_OUTER_NETWORK === undefined;

/** Null: here is a link. */
async function whyNot(): Promise<string | null> {
  try {
    const code = await enterOwnNetwork();
    if (code !== null) process.exit(code);
    const link = await openLink();
    await link.close();
    return null;
  } catch (error) {
    if (error instanceof CaptureError) return `no link here: ${error.message}`;
    throw error;
  }
}

const outsideRefusal = startedOutside ? await openLink().catch((error: unknown) => error) : null;
if (startedOutside) assert.ok(outsideRefusal instanceof CaptureError && outsideRefusal.code === 'bad-request');

const missing = await whyNot();

function onLink(name: string, options: LinkOptions, body: (link: Link) => Promise<void>): void {
  test(name, { skip: missing ?? false }, async () => {
    const link = await openLink(options);
    try {
      await body(link);
      link.change({ lossRate: 0, corruptRate: 0, cut: false, middlebox: null });
      await closedSockets();
    } finally {
      await link.close();
    }
  });
}

/** Until the kernel has said its last on every connection, so that no late segment gets into the next link. */
async function closedSockets(): Promise<void> {
  const settled = ['06', '0A'];
  const states = (): (string | undefined)[] =>
    readFileSync('/proc/self/net/tcp', 'latin1')
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/)[3]);
  while (states().some((state) => !settled.includes(state ?? ''))) await new Promise((resolve) => setTimeout(resolve, 5));
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
  readonly listener: Server;
  close(): void;
}

async function connected(link: Link): Promise<Pair> {
  const listener = createServer().listen(0, link.clientAddress);
  await once(listener, 'listening');
  const { port } = listener.address() as { port: number };
  const client = connect(port, link.serverAddress);
  const [[server]] = (await Promise.all([once(listener, 'connection'), once(client, 'connect')])) as [[Socket], unknown];
  for (const socket of [client, server]) socket.setNoDelay().on('error', () => {});
  const close = (): void => {
    client.destroy();
    server.destroy();
    listener.close();
  };
  return { client, server, listener, close };
}

/** Which of so many packets to the server are lost with this seed. */
function lostToServer(lossRate: number, seed: number, packets: number): number {
  const settings = newSettings();
  applySettings(settings, { lossRate });
  const fate = new LinkFate(settings, toServer, seed);
  return Array.from({ length: packets }).filter(() => fate.decide(100, 0) === fates.lost).length;
}

onLink('as many packets are lost as the seed says', { lossRate: 0.1, seed: 11 }, async (link) => {
  const socket = createSocket('udp4');
  const packets = 2000;
  for (let number = 0; number < packets; number++) {
    // One after another, so that the device always has room. Nobody listens there: errors come back, to nobody.
    await new Promise((resolve) => socket.send('x', 4444, link.serverAddress, resolve));
  }
  socket.close();
  while (link.statistics().toServer.packets < packets) await new Promise((resolve) => setImmediate(resolve));
  const { toServer: there, overrun } = link.statistics();
  assert.equal(there.dropped.lost, lostToServer(0.1, 11, packets));
  assert.equal(there.packets, packets);
  assert.equal(there.delivered, packets - there.dropped.lost);
  assert.equal(there.bytes, packets * 29);
  assert.equal(overrun, 0);
});

onLink('no answer comes back sooner than the round trip', { roundTripMs: 30 }, async (link) => {
  const beganMs = performance.now();
  const { client, server, close } = await connected(link);
  assert.ok(performance.now() - beganMs >= 30);
  for (let turn = 0; turn < 5; turn++) {
    const sentMs = performance.now();
    client.write('ping');
    await once(server, 'data');
    assert.ok(performance.now() - sentMs >= 15);
    server.write('pong');
    await once(client, 'data');
    assert.ok(performance.now() - sentMs >= 30);
  }
  assert.equal(client.remoteAddress, '198.18.0.2');
  assert.equal(server.remoteAddress, '198.18.0.2', 'each end sees the other there');
  close();
});

onLink('other addresses of the network are other servers', {}, async (link) => {
  const { listener, close } = await connected(link);
  const other = connect((listener.address() as { port: number }).port, '198.18.0.77');
  await once(other, 'connect');
  other.destroy();
  close();
});

onLink('the ping-pong measures what the link counts', { roundTripMs: 4, toServer: { lossRate: 0.2 } }, async (link) => {
  const {
    roundTripsMs,
    toServer: there,
    toClient: back,
    unread,
  } = await measurePingPong({
    address: link.serverAddress,
    pings: 5,
    datagrams: 1000,
    patienceMs: 200,
  });
  const counted = link.statistics();
  assert.ok(roundTripsMs.every((took) => took >= 4));
  assert.equal(there.sent, 1000);
  assert.equal(there.arrived + 5 - lostPings(roundTripsMs), counted.toServer.delivered - unread);
  assert.equal(back.sent, there.arrived);
  assert.equal(back.arrived, there.arrived - unread, 'nothing was lost on the way back');
});

/** Pings that were lost are lost on the way there in that test. */
const lostPings = (roundTripsMs: readonly number[]): number => 5 - roundTripsMs.length;

onLink(
  'a rate takes its time, and duplicates arrive twice',
  { toServer: { rateBitsPerSecond: 800_000, duplicateRate: 1 } },
  async (link) => {
    const receiver = createSocket('udp4').bind(0);
    await once(receiver, 'listening');
    const sender = createSocket('udp4');
    const beganMs = performance.now();
    // 1000 bytes of IP packet each: 10 ms at this rate.
    for (let number = 0; number < 5; number++) sender.send(Buffer.alloc(972), receiver.address().port, link.serverAddress);
    for (let arrived = 0; arrived < 10; arrived++) await once(receiver, 'message');
    assert.ok(performance.now() - beganMs >= 50);
    assert.equal(link.statistics().toServer.duplicated, 5);
    sender.close();
    receiver.close();
  },
);

onLink(
  'corrupted packets are dropped by the receiver, and TCP sends them again',
  { toServer: { corruptRate: 0.5 } },
  async (link) => {
    const { client, server, close } = await connected(link);
    let received = 0;
    server.on('data', (chunk) => {
      received += chunk.length;
    });
    client.end(Buffer.alloc(20_000));
    await once(server, 'end');
    assert.equal(received, 20_000);
    assert.ok(link.statistics().toServer.corrupted > 0);
    close();
  },
);

onLink(
  'a middlebox that forgets silently swallows what comes',
  { middlebox: { forgetAfterMs: 3_600_000, how: 'silent' } },
  async (link) => {
    const { client, server, close } = await connected(link);
    client.write('remembered');
    await once(server, 'data');
    link.forgetAll();
    let swallowed = true;
    server.once('data', () => {
      swallowed = false;
    });
    client.write('forgotten');
    // The first try and one more of the kernel.
    while (link.statistics().toServer.dropped.forgotten < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(swallowed);
    const another = await connected(link);
    another.client.write('new connections pass');
    await once(another.server, 'data');
    another.close();
    close();
  },
);

onLink(
  'a middlebox that resets tells the sender, not the other side',
  { middlebox: { forgetAfterMs: 3_600_000, how: 'reset' } },
  async (link) => {
    const { client, server, close } = await connected(link);
    link.forgetAll();
    const failed = new Promise<Error>((resolve) => client.once('error', resolve));
    client.write('forgotten');
    assert.equal(((await failed) as NodeJS.ErrnoException).code, 'ECONNRESET');
    assert.equal(server.closed, false);
    assert.equal(link.statistics().toClient.forgedResets, 1);
    close();
  },
);

onLink('a cut link passes nothing, one way or both', {}, async (link) => {
  const { client, server, close } = await connected(link);
  link.change({ toServer: { cut: true } });
  server.write('still passes');
  await once(client, 'data');
  client.write('does not');
  while (link.statistics().toServer.dropped.cut < 3) await new Promise((resolve) => setImmediate(resolve));
  link.change({ cut: false });
  await once(server, 'data');
  close();
});

async function observationsOf(
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ seen: Observation[]; bytes: Buffer; linkTypes: readonly string[]; originSeconds: number }> {
  const seen: Observation[] = [];
  const parts: Uint8Array[] = [];
  const capture = observeCapture({ observe: (observation) => void seen.push({ ...observation }) });
  for await (const chunk of chunks) {
    parts.push(chunk);
    capture.push(chunk);
  }
  const { linkTypes, problems, originSeconds } = capture.end();
  assert.deepEqual(problems, []);
  return { seen, bytes: Buffer.concat(parts), linkTypes, originSeconds };
}

onLink('each end is recorded as it sees it, and loss is noted where it was sent', { roundTripMs: 20 }, async (link) => {
  const atClient = link.record('client');
  const atServer = link.record('server');
  const readings = [observationsOf(atClient.chunks), observationsOf(atServer.chunks)] as const;
  const { client, server, close } = await connected(link);
  link.change({ toClient: { cut: true } });
  server.write('lost');
  while (link.statistics().toClient.dropped.cut === 0) await new Promise((resolve) => setImmediate(resolve));
  link.change({ toClient: { cut: false } });
  await once(client, 'data');
  client.end();
  await once(server, 'end');
  await Promise.all([atClient.stop(), atServer.stop()]);
  const [near, far] = await Promise.all(readings);
  close();
  for (const { seen, linkTypes } of [near, far]) {
    const opened = seen.find(({ kind }) => kind === 'opened');
    assert.ok(opened?.kind === 'opened');
    assert.deepEqual([opened.client.address, opened.server.address], ['198.18.0.1', '198.18.0.2']);
    assert.equal(linkTypes.length, 1);
  }
  // Each counts from a whole second of its own.
  const times = ({ seen, originSeconds }: typeof near): number[] =>
    seen.flatMap(({ kind, atNs }) => (kind === 'syn' ? [(originSeconds - near.originSeconds) * 1e9 + atNs] : []));
  const [synNear, ackNear] = times(near);
  const [synFar, ackFar] = times(far);
  assert.ok(synFar! - synNear! >= 10e6, 'the SYN arrives half a round trip after it was sent');
  assert.ok(ackNear! - ackFar! >= 10e6);
  assert.ok(ackNear! - synNear! >= 20e6);
  const repeated = ({ seen }: { seen: readonly Observation[] }): number =>
    seen.filter((one) => one.kind === 'call' && one.call.endsWith('retransmission') && one.from === 'server').length;
  assert.ok(repeated(far) > 0, 'the sender sends again');
  assert.equal(repeated(near), 0, 'the receiver has not seen the first');
  assert.ok(far.bytes.includes('dropped: the link is cut'));
  assert.ok(!near.bytes.includes('dropped: the link is cut'));
  const { received, droppedBySource, delivered } = atClient.statistics();
  assert.deepEqual([received, droppedBySource], [delivered, 0]);
});

onLink('a recording ends with its link', {}, async (link) => {
  const recording = link.record('client');
  await link.close();
  let length = 0;
  for await (const chunk of recording.chunks) length += chunk.length;
  assert.ok(length > 0, 'the head of the file');
  await recording.stop();
});
