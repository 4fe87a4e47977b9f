/** Captures that hold only the beginning of each packet tell who asked and answered when, as whole ones do. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { observeCapture } from 'holdfast/packets';
import { type Connection, Story } from 'holdfast/story';

function tell(capture: Uint8Array): Connection[] {
  const connections: Connection[] = [];
  const story = new Story({ onConnection: (connection) => connections.push(connection) });
  const source = observeCapture({ observe: (observation) => story.observe(observation) });
  source.push(capture);
  source.end();
  story.end();
  return connections;
}

/** A classic little-endian pcap, each packet cut to so many bytes. */
function snapped(file: Buffer, snapLength: number): Buffer {
  const parts = [file.subarray(0, 24)];
  for (let at = 24; at < file.length; ) {
    const captured = file.readUInt32LE(at + 8);
    const header = Buffer.from(file.subarray(at, at + 16));
    header.writeUInt32LE(Math.min(captured, snapLength), 8);
    parts.push(header, file.subarray(at + 16, at + 16 + Math.min(captured, snapLength)));
    at += 16 + captured;
  }
  return Buffer.concat(parts);
}

const examples = readdirSync('examples').filter((name) => name.endsWith('.pcap') && name !== 'cut-packets.pcap');
const example = (name: string): Buffer => readFileSync(`examples/${name}`);

const moments = ({ exchanges }: Connection): string[] =>
  exchanges.map(({ requestAt, firstByte }) => `${requestAt.packet} ${firstByte?.packet ?? '-'}`);

/** What turns cannot show. */
const beyondTurns: Readonly<Record<string, string>> = {
  'pipelined.pcap': 'requests that share a segment',
  'refused-upload.pcap': 'an upload that goes on behind its answer',
  'upgrade.pcap': 'what follows an upgrade',
  'tls.pcap': 'exchanges inside TLS',
};

/** Bytes of link, IP and TCP headers without options, by link type. */
const headerByteCount = (name: string): number =>
  name === 'ipv6.pcap' ? 74 : ({ 1: 54, 101: 40, 276: 60 } as Record<number, number>)[example(name).readUInt32LE(20)]!;

for (const beyond of [-4, 0, 12, 42, 76, 206]) {
  test(`packets cut ${beyond} bytes behind the TCP header keep connections, exchanges and endings`, () => {
    for (const name of examples) {
      const whole = tell(example(name));
      const cut = tell(snapped(example(name), headerByteCount(name) + beyond));
      const frame = ({ ending, tcp, handshakeNs, zeek }: Connection) => ({
        ending: [ending.by, ending.how, ending.at.packet, ending.idleNs],
        tcp,
        handshakeNs,
        zeek,
      });
      assert.deepEqual(cut.map(frame), whole.map(frame), name);
      if (beyondTurns[name] !== undefined) continue;
      assert.deepEqual(cut.map(moments), whole.map(moments), name);
      for (const [index, connection] of cut.entries()) {
        // Nothing is called cut off that only the capture cut.
        if (connection.ending.why === 'response-cut') assert.equal(whole[index]!.ending.why, 'response-cut', name);
        for (const exchange of connection.exchanges) {
          const { waited, responseEnd, requestAt } = exchange;
          if (responseEnd !== null) {
            assert.ok(Math.abs(waited.client + waited.network + waited.server - (responseEnd.atNs - requestAt.atNs)) < 1, name);
          }
        }
      }
    }
  });
}

test('start lines in sight name the exchanges', () => {
  const named = (snapLength: number): string[] =>
    tell(snapped(example('stale-reuse.pcap'), snapLength)).flatMap(({ exchanges }) =>
      exchanges.map(({ method, target, status }) => `${method} ${target} ${status}`),
    );
  // Raw IP: 52 bytes of headers.
  assert.deepEqual(named(52), ['  null', '  null', '  null', '  null']);
  assert.deepEqual(named(52 + 24), ['GET / 200', 'GET / 200', 'POST /orders null', 'POST /orders 200']);
  assert.deepEqual(named(52 + 9), ['GET / null', 'GET / null', 'POST /ord null', 'POST /ord null']);
});

test('an exchange of which only the start line was cut says so', () => {
  const [connection] = tell(snapped(example('stale-reuse.pcap'), 52 + 9));
  assert.deepEqual(
    connection!.exchanges.map(({ notes }) => notes.map(({ code }) => code)),
    [['payload-not-captured'], [], ['start-line-cut']],
  );
});

test('a server that speaks first, and ports of other protocols, have no exchanges', () => {
  const capture = snapped(example('kept-healthy.pcap'), 66);
  const exchangesAt = (port: number): number => {
    const moved = Buffer.from(capture);
    for (let at = 24; at < moved.length; at += 16 + moved.readUInt32LE(at + 8)) {
      const tcp = at + 16 + 34;
      for (const field of [tcp, tcp + 2]) {
        const own = moved.readUInt16BE(field);
        if (own === 80 || own === 8080) moved.writeUInt16BE(port, field);
      }
    }
    return tell(moved).reduce((sum, { exchangeCount }) => sum + exchangeCount, 0);
  };
  assert.equal(exchangesAt(8191), 7);
  assert.equal(exchangesAt(5432), 0);
  const greeting = [
    'IP 10.0.0.1.40000 > 10.0.0.2.7000: S 1:1(0) win 9',
    'IP 10.0.0.2.7000 > 10.0.0.1.40000: S 1:1(0) ack 2 win 9',
    'IP 10.0.0.2.7000 > 10.0.0.1.40000: P 1:41(40) ack 1 win 9',
    'IP 10.0.0.1.40000 > 10.0.0.2.7000: P 1:21(20) ack 41 win 9',
    'IP 10.0.0.2.7000 > 10.0.0.1.40000: P 41:51(10) ack 21 win 9',
  ];
  const [connection] = tell(Buffer.from(greeting.map((line, second) => `12:00:0${second}.0 ${line}\n`).join('')));
  assert.deepEqual([connection!.exchangeCount, connection!.protocol.name], [0, 'unknown']);
});
