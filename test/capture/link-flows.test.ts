import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LinkFlows } from '#dist/capture/link-flows.js';
import { headerLength, isIpv4, resetAgainst, swapAddresses } from '#dist/capture/link-packet.js';
import { toClient, toServer } from '#dist/capture/link-settings.js';

const client = [198, 18, 0, 1];
const server = [198, 18, 0, 2];
const flags = { fin: 1, syn: 2, rst: 4, ack: 16 };

/** The sum of a whole header with its checksum is all ones (RFC 1071). */
function sumIsRight(bytes: Uint8Array, more = 0): boolean {
  let total = more;
  for (let place = 0; place < bytes.length; place += 2) total += (bytes[place]! << 8) | (bytes[place + 1] ?? 0);
  while (total > 0xffff) total = (total >>> 16) + (total & 0xffff);
  return total === 0xffff;
}

const transportIsRight = (packet: Uint8Array): boolean => {
  const payload = packet.subarray(headerLength(packet));
  let pseudo = packet[9]! + payload.length;
  for (let place = 12; place < 20; place += 2) pseudo += (packet[place]! << 8) | packet[place + 1]!;
  return sumIsRight(payload, pseudo);
};

interface Tcp {
  readonly from: number;
  readonly to: number;
  readonly flags?: number;
  readonly sequence?: number;
  readonly acknowledgment?: number;
  readonly payload?: number;
}

/** As either end sends it: from the link's first address. */
function tcp({ from, to, flags: bits = flags.ack, sequence = 1000, acknowledgment = 2000, payload = 0 }: Tcp): Buffer {
  const packet = Buffer.alloc(40 + payload);
  packet[0] = 0x45;
  packet.writeUInt16BE(packet.length, 2);
  packet[8] = 64;
  packet[9] = 6;
  packet.set([...client, ...server], 12);
  packet.writeUInt16BE(from, 20);
  packet.writeUInt16BE(to, 22);
  packet.writeUInt32BE(sequence, 24);
  packet.writeUInt32BE(acknowledgment, 28);
  packet[32] = 5 << 4;
  packet[33] = bits;
  return packet;
}

const udp = (from: number, to: number): Buffer => {
  const packet = Buffer.alloc(28);
  packet[0] = 0x45;
  packet[9] = 17;
  packet.set([...client, ...server], 12);
  packet.writeUInt16BE(from, 20);
  packet.writeUInt16BE(to, 22);
  return packet;
};

const never = { afterNs: Number.POSITIVE_INFINITY, epoch: 0 };

test('the sender of the SYN is the client, whatever the ports', () => {
  const flows = new LinkFlows();
  assert.equal(flows.direction(tcp({ from: 80, to: 40_000, flags: flags.syn }), 0, never), toServer);
  assert.equal(flows.direction(tcp({ from: 40_000, to: 80, flags: flags.syn | flags.ack }), 1, never), toClient);
  assert.equal(flows.direction(tcp({ from: 80, to: 40_000 }), 2, never), toServer);
});

test('joined in the middle, the higher port is the client', () => {
  const flows = new LinkFlows();
  assert.equal(flows.direction(tcp({ from: 80, to: 40_000 }), 0, never), toClient);
  assert.equal(flows.direction(tcp({ from: 40_000, to: 80 }), 1, never), toServer);
});

test('the ports are the other way round after a new SYN', () => {
  const flows = new LinkFlows();
  flows.direction(tcp({ from: 5000, to: 6000, flags: flags.syn }), 0, never);
  assert.equal(flows.direction(tcp({ from: 6000, to: 5000, flags: flags.syn }), 1, never), toServer);
  assert.equal(flows.direction(tcp({ from: 5000, to: 6000 }), 2, never), toClient);
});

test('the sender of the first datagram is the client', () => {
  const flows = new LinkFlows();
  assert.equal(flows.direction(udp(53, 54), 0, never), toServer);
  assert.equal(flows.direction(udp(54, 53), 1, never), toClient);
});

test('a ping goes to the server, its answer comes back', () => {
  const flows = new LinkFlows();
  const ping = udp(0, 0);
  ping[9] = 1;
  ping[20] = 8;
  assert.equal(flows.direction(ping, 0, never), toServer);
  ping[20] = 0;
  assert.equal(flows.direction(ping, 0, never), toClient);
});

test('an error goes back the way of the packet that it is about', () => {
  const flows = new LinkFlows();
  const datagram = udp(5000, 53);
  assert.equal(flows.direction(datagram, 0, never), toServer);
  const delivered = Buffer.from(datagram);
  swapAddresses(delivered);
  const error = Buffer.concat([udp(0, 0), delivered]);
  error[9] = 1;
  error[20] = 3;
  assert.equal(flows.direction(error, 1, never), toClient);
  swapAddresses(error);
  assert.deepEqual([...error.subarray(28 + 12, 28 + 20)], [...client, ...server], 'the quoted packet is as its sender sent it');
});

test('the middlebox forgets what is idle, and only a SYN begins anew', () => {
  const flows = new LinkFlows();
  const after = { afterNs: 100, epoch: 0 };
  const forgotten = (packet: Buffer, nowNs: number, forgetting = after): boolean => {
    flows.direction(packet, nowNs, forgetting);
    return flows.forgotten;
  };
  const there = tcp({ from: 40_000, to: 80 });
  const back = tcp({ from: 80, to: 40_000 });
  assert.equal(forgotten(tcp({ from: 40_000, to: 80, flags: flags.syn }), 0), false);
  assert.equal(forgotten(back, 99), false);
  assert.equal(forgotten(there, 198), false);
  assert.equal(forgotten(there, 298), true);
  assert.equal(forgotten(back, 299), true, 'it stays forgotten');
  assert.equal(forgotten(tcp({ from: 40_000, to: 80, flags: flags.syn }), 300), false);
  assert.equal(forgotten(there, 301), false);
  assert.equal(forgotten(there, 302, { afterNs: 100, epoch: 1 }), true, 'told to forget everything');
});

test('a connection that the middlebox never saw is unknown to it, unless there is no such box', () => {
  const flows = new LinkFlows();
  flows.direction(tcp({ from: 40_000, to: 80 }), 0, { afterNs: 100, epoch: 0 });
  assert.equal(flows.forgotten, true);
  flows.direction(tcp({ from: 40_001, to: 80 }), 0, never);
  assert.equal(flows.forgotten, false);
  flows.direction(udp(40_002, 80), 0, { afterNs: 100, epoch: 0 });
  assert.equal(flows.forgotten, false, 'datagrams have no connection');
});

test('more flows than are remembered are no harm', () => {
  const flows = new LinkFlows();
  for (let number = 0; number < 70_000; number++) {
    const packet = tcp({ from: 1024 + (number % 60_000), to: number < 60_000 ? 80 : 81, flags: flags.syn });
    flows.direction(packet, number, never);
  }
  // The newest is remembered, the oldest is guessed anew.
  assert.equal(flows.direction(tcp({ from: 81, to: 1024 + 9999 }), 70_001, never), toClient);
});

test('a swap leaves the checksums right', () => {
  const reset = resetAgainst(tcp({ from: 40_000, to: 80 }));
  swapAddresses(reset);
  assert.ok(sumIsRight(reset.subarray(0, 20)));
  assert.ok(transportIsRight(reset));
});

test('a reset against a segment with an acknowledgement stands where that says', () => {
  const reset = resetAgainst(tcp({ from: 40_000, to: 80, payload: 10, acknowledgment: 0xfffffff0 }));
  assert.ok(isIpv4(reset) && sumIsRight(reset.subarray(0, 20)) && transportIsRight(reset));
  assert.deepEqual([...reset.subarray(12, 20)], [...server, ...client], 'it comes from whom the segment was sent to');
  assert.deepEqual([reset.readUInt16BE(20), reset.readUInt16BE(22)], [80, 40_000]);
  assert.equal(reset.readUInt32BE(24), 0xfffffff0);
  assert.equal(reset[33], flags.rst);
});

test('a reset against a SYN acknowledges it', () => {
  const reset = resetAgainst(tcp({ from: 40_000, to: 80, flags: flags.syn, sequence: 0xffffffff }));
  assert.ok(transportIsRight(reset));
  assert.equal(reset.readUInt32BE(24), 0);
  assert.equal(reset.readUInt32BE(28), 0, 'the number behind the SYN, modulo 2³²');
  assert.equal(reset[33], flags.rst | flags.ack);
});

test('what is no IPv4 packet is told apart', () => {
  const packet = tcp({ from: 1, to: 2 });
  assert.equal(isIpv4(packet), true);
  assert.equal(isIpv4(packet.subarray(0, 19)), false);
  assert.equal(isIpv4(Buffer.from([0x60, ...packet.subarray(1)])), false);
  assert.equal(isIpv4(Buffer.from([0x44, ...packet.subarray(1)])), false, 'a header shorter than the least');
  assert.equal(isIpv4(Buffer.from([0x4f, ...packet.subarray(1, 40)])), false, 'a header longer than the packet');
});
