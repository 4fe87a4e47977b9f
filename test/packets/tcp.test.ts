import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pcap } from './build-captures.js';
import { bytes, ethernet, flag, hex, ipv4, tcp, tcpPacket, u32 } from './build-packets.js';
import { check } from './read-capture.js';

const withOptions = (options: Uint8Array): Uint8Array => ethernet(ipv4(tcp({ flags: flag.syn, options })));

function segmentOf(packet: Uint8Array, problems: readonly string[] = []) {
  const { segments } = check(pcap([packet]), { problems });
  assert.equal(segments.length, 1);
  return segments[0]!;
}

test('every field of the header', () => {
  const flags = 0x1ff;
  const packet = tcpPacket({
    sequence: 0xfffffff0,
    acknowledgment: 0x80000000,
    flags,
    window: 65_535,
    timeToLive: 3,
    identification: 9,
  });
  const segment = segmentOf(packet);
  assert.equal(segment.sequence, 0xfffffff0);
  assert.equal(segment.acknowledgment, 0x80000000);
  assert.equal(segment.flags, 'FSRPAUECN');
  assert.equal(segment.window, 65_535);
  assert.equal(segment.timeToLive, 3);
  assert.equal(segment.identification, 9);
  assert.deepEqual(segment.timestamps, [-1, -1]);
  assert.equal(segment.maximumSegmentSize, -1);
  assert.equal(segment.windowScale, -1);
});

test('the options of a SYN', () => {
  const segment = segmentOf(withOptions(hex('0204 05b4 0402 080a 00000102 00000304 01 0303 07')));
  assert.equal(segment.maximumSegmentSize, 1460);
  assert.equal(segment.sackPermitted, true);
  assert.deepEqual(segment.timestamps, [0x102, 0x304]);
  assert.equal(segment.windowScale, 7);
});

test('aligned timestamps with SACK blocks behind them', () => {
  const segment = segmentOf(
    withOptions(bytes(hex('0101 080a 00000001 00000002 0101 0512'), u32(100), u32(200), u32(0xfffffff0), u32(5))),
  );
  assert.deepEqual(segment.timestamps, [1, 2]);
  assert.deepEqual(segment.sackBlocks, [100, 200, 0xfffffff0, 5]);
});

test('options that run past the header, of no length or of a wrong one, end the reading of options only', () => {
  for (const options of ['0200 0000', '02ff 05b4', '0a00 0000', '0103 0200', '0205 05b4']) {
    const segment = segmentOf(withOptions(hex(options)));
    assert.equal(segment.maximumSegmentSize, -1, options);
    assert.equal(segment.windowScale, -1, options);
  }
  assert.equal(segmentOf(withOptions(hex('0204 05b4 00 02 04 11'))).maximumSegmentSize, 1460);
});

test('options of the packet before are forgotten', () => {
  const { segments } = check(pcap([withOptions(hex('0204 05b4 0402 0101')), tcpPacket()]), {});
  assert.deepEqual(
    segments.map(({ maximumSegmentSize, sackPermitted }) => [maximumSegmentSize, sackPermitted]),
    [
      [1460, true],
      [-1, false],
    ],
  );
});

test('a data offset that cannot be is a problem', () => {
  check(pcap([tcpPacket({ headerByteCount: 16 })]), { segments: [], problems: ['packet-malformed×1@1'] });
});

test('a header that ends behind its datagram still says who knocked', () => {
  const segment = segmentOf(tcpPacket({ flags: flag.syn, headerByteCount: 24 }), ['packet-malformed×1@1']);
  assert.equal(segment.flags, 'S');
  assert.equal(segment.payloadLength, 0);
});

test('a header cut by the snap length is told while its flags are there', () => {
  const packet = tcpPacket({ flags: flag.syn | flag.ack }, 'payload');
  const cut = (byteCount: number) => pcap([{ data: packet.subarray(0, 34 + byteCount), wireByteCount: packet.length }]);
  check(cut(20), { segments: ['1 10.0.0.1:40000>10.0.0.2:80 SA 7'] });
  check(cut(14), { segments: ['1 10.0.0.1:40000>10.0.0.2:80 SA 7'] });
  check(cut(13), { segments: [], problems: ['packet-cut-in-headers×1@1'] });
  check(pcap([{ data: packet.subarray(0, 20), wireByteCount: packet.length }]), { problems: ['packet-cut-in-headers×1@1'] });
});
