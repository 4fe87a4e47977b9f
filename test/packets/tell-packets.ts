/**
 * Little conversations, packet by packet, through the whole chain: `observeCapture` and `Story`.
 *
 *     [0.000, '>', 'S', 0, 0]                 seconds, direction (> from the client), flags, sequence and acknowledgement numbers
 *     [0.020, '>', 'PA', 1, 1, 'GET / …']     relative to the first of each side, payload, and what else differs
 */
import { observeCapture } from 'holdfast/packets';
import { type Connection, Story, type Totals } from 'holdfast/story';
import { firstSecond, pcap } from './build-captures.js';
import { flag, type Ipv4Fields, type Part, type TcpFields, tcpPacket } from './build-packets.js';

export type PacketLine = readonly [
  seconds: number,
  direction: '>' | '<',
  flags: string,
  sequence: number,
  acknowledgment: number,
  payload?: Part,
  more?: TcpFields & Ipv4Fields & { readonly wireByteCount?: number; readonly clientPort?: number },
];

export interface Told {
  readonly connections: readonly Connection[];
  readonly totals: Totals;
  /** `packet from call` of every call, in order. */
  readonly calls: readonly string[];
  /** Stream bytes as they were handed over, by side. */
  readonly client: string;
  readonly server: string;
  /** `packet from count why` of every gap. */
  readonly gaps: readonly string[];
}

const letters: Readonly<Record<string, number>> = {
  S: flag.syn,
  A: flag.ack,
  P: flag.psh,
  F: flag.fin,
  R: flag.rst,
  U: flag.urg,
};

const clientFirst = 1000;
const serverFirst = 500_000;

export function tell(lines: readonly PacketLine[], firsts = { client: clientFirst, server: serverFirst }): Told {
  let identification = 100;
  const packets = lines.map(([seconds, direction, flags, sequence, acknowledgment, payload = '', more = {}]) => {
    const fromClient = direction === '>';
    const bits = [...flags].reduce((sum, letter) => sum | (letters[letter] ?? 0), 0);
    const clientPort = more.clientPort ?? 40_000;
    const own = fromClient ? firsts.client : firsts.server;
    const other = fromClient ? firsts.server : firsts.client;
    const data = tcpPacket(
      {
        source: fromClient ? '10.0.0.1' : '10.0.0.2',
        destination: fromClient ? '10.0.0.2' : '10.0.0.1',
        sourcePort: fromClient ? clientPort : 80,
        destinationPort: fromClient ? 80 : clientPort,
        sequence: (own + sequence) >>> 0,
        acknowledgment: (bits & flag.ack) === 0 ? 0 : (other + acknowledgment) >>> 0,
        flags: bits,
        identification: identification++,
        ...more,
      },
      payload,
    );
    const whole = Math.floor(seconds);
    const fraction = Math.round((seconds - whole) * 1e6);
    const wireByteCount = more.wireByteCount;
    return { data, seconds: firstSecond + whole, fraction, ...(wireByteCount === undefined ? {} : { wireByteCount }) };
  });
  const connections: Connection[] = [];
  const calls: string[] = [];
  const gaps: string[] = [];
  const streams = { client: '', server: '' };
  const story = new Story({ onConnection: (connection) => connections.push(connection) });
  const capture = observeCapture({
    observe: (observation) => {
      if (observation.kind === 'call') calls.push(`${observation.packet} ${observation.from} ${observation.call}`);
      if (observation.kind === 'gap') {
        gaps.push(`${observation.packet} ${observation.from} ${observation.byteCount} ${observation.why}`);
        streams[observation.from] += `<${observation.byteCount}>`;
      }
      if (observation.kind === 'bytes') {
        streams[observation.from] += Buffer.from(observation.data.slice(observation.start, observation.end)).toString('latin1');
      }
      story.observe(observation);
    },
  });
  // In small Buffers, each spoiled behind the call as the next read would: whatever is kept must have been copied.
  const file = pcap(packets);
  for (let at = 0; at < file.length; at += chunkByteCount) {
    const chunk = Buffer.from(file.subarray(at, at + chunkByteCount));
    capture.push(chunk);
    chunk.fill(0xee);
  }
  capture.end();
  story.end();
  connections.sort((a, b) => a.id - b.id);
  return { connections, totals: story.totals, calls, gaps, ...streams };
}

/** Several packets. */
const chunkByteCount = 500;

/** The opening handshake, over at 20 ms. */
export const handshake: readonly PacketLine[] = [
  [0, '>', 'S', 0, 0],
  [0.01, '<', 'SA', 0, 1],
  [0.02, '>', 'A', 1, 1],
];
