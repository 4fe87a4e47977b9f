/**
 * Conversations for tests, written as one sees them in a ladder: time in seconds, `>>` from the client, `<<` from the server.
 *
 *     0      open
 *     0.1    >> GET /a
 *     0.2    << 200 body 5 | Keep-Alive: timeout=5
 *     5.2    << FIN
 *     5.201  >> POST /b body 3 ; crossing
 *     5.25   << RST
 *
 * They become real packets, and those go through the packet reader, the story and the diagnosis: nothing is made up on the way.
 * The capture stands at the client. Each segment with data, SYN or FIN is acknowledged one round trip later by an ACK of its own
 * unless the other side sends something before.
 *
 * What: `open` (SYN, SYN-ACK, ACK), `SYN`, `SYN-ACK`, `ACK`, `FIN`, `RST`, `BARE-RST` (without an ACK), `PROBE` (TCP keep-alive), `data N` (N bytes), `text "…"`,
 * `again` (the last segment that took up sequence numbers, once more), a request (`METHOD target [HTTP/1.0]`), a response (its status).
 * Messages: `body N` sends N bytes of content; `length N` announces another length; `chunked N` sends N bytes in one chunk and the last
 * one; `half-chunked N` leaves the last one out; `until-close N`. Fields follow behind bars.
 * Behind a semicolon: `crossing` (the sender has not seen the other side's last segment), `lost` (never arrives), `unacked` (no ACK
 * of its own follows), `uncaptured` (arrives, but the capture misses it), `ttl=N`, `window=N`, `delayed=S` (the ACK comes S seconds later).
 * `#2` before the time: another connection. `client A` and `server A:P` lines name the ends of the connections that follow.
 * `clock -5 from 5.2`: the capture's clock was set back by 5 s then.
 */
import { observeCapture } from 'holdfast/packets';
import { type Connection, Diagnosis, type Finding, Story, type Verdict } from 'holdfast/story';
import { pcap } from '../packets/build-captures.js';
import { ethernet, flag, ipv4, tcp } from '../packets/build-packets.js';

export interface ToldConversation {
  readonly connections: readonly Connection[];
  readonly diagnosis: Diagnosis;
  readonly findings: readonly Finding[];
  readonly verdict: Verdict;
}

export interface ConversationOptions {
  /** In seconds. */
  readonly roundTrip?: number;
}

type Direction = '>>' | '<<';

interface Half {
  next: number;
  /** What of it the other side has received, and what it had received one segment before. */
  arrived: number;
  arrivedBefore: number;
  window: number;
  timeToLive: number;
  identification: number;
  last: { sequence: number; flags: number; payload: string } | null;
}

interface Flow {
  readonly client: string;
  readonly clientPort: number;
  readonly server: string;
  readonly serverPort: number;
  readonly halves: Record<Direction, Half>;
  /** An acknowledgement that is due, by this direction. */
  due: Map<Direction, number>;
}

interface Packet {
  readonly at: number;
  readonly data: Uint8Array;
}

const otherWay = (direction: Direction): Direction => (direction === '>>' ? '<<' : '>>');

const newHalf = (sequence: number, timeToLive: number): Half => ({
  next: sequence,
  arrived: 0,
  arrivedBefore: 0,
  window: 60_000,
  timeToLive,
  identification: 1,
  last: null,
});

class Stage {
  readonly packets: Packet[] = [];
  clock = { from: Number.POSITIVE_INFINITY, by: 0 };
  #flows = new Map<number, Flow>();
  #client = '10.0.0.1';
  #server = '10.0.0.2';
  #serverPort = 80;
  #firstPort = 40_000;
  #roundTrip: number;

  constructor(roundTrip: number) {
    this.#roundTrip = roundTrip;
  }

  line(text: string): void {
    const ends = /^(client|server) ([\d.]+)(?::(\d+))?$/.exec(text);
    if (ends !== null) {
      if (ends[1] === 'client') this.#client = ends[2]!;
      else {
        this.#server = ends[2]!;
        this.#serverPort = Number(ends[3] ?? 80);
      }
      return;
    }
    const clock = /^clock (-?[\d.]+) from ([\d.]+)$/.exec(text);
    if (clock !== null) {
      this.clock = { from: Number(clock[2]), by: Number(clock[1]) };
      return;
    }
    const parsed = /^(?:#(\d+)\s+)?([\d.]+)\s+(.*)$/.exec(text);
    if (parsed === null) throw new Error(`no line of a conversation: ${text}`);
    const flow = this.#flow(Number(parsed[1] ?? 0));
    const at = Number(parsed[2]);
    const what = parsed[3]!;
    this.settle(at);
    if (what === 'open') {
      this.#send(flow, '>>', at, flag.syn, '', {});
      this.#send(flow, '<<', at + this.#roundTrip, flag.syn | flag.ack, '', {});
      this.#send(flow, '>>', at + this.#roundTrip + 1e-5, flag.ack, '', {});
      return;
    }
    const direction = what.slice(0, 2);
    if (direction !== '>>' && direction !== '<<') throw new Error(`neither >> nor <<: ${text}`);
    const [action = '', ...rest] = what.slice(2).split(';');
    this.#act(flow, direction, at, action.trim(), optionsOf(rest.join(';').trim()));
  }

  /** Sends the acknowledgements that are due before this time. */
  settle(until: number): void {
    const due = [...this.#flows.values()].flatMap((flow) => [...flow.due].map(([direction, at]) => ({ flow, direction, at })));
    due.sort((a, b) => a.at - b.at);
    for (const { flow, direction, at } of due) {
      if (at < until && flow.due.get(direction) === at) this.#send(flow, direction, at, flag.ack, '', {});
    }
  }

  #flow(id: number): Flow {
    let flow = this.#flows.get(id);
    if (flow === undefined) {
      flow = {
        client: this.#client,
        clientPort: this.#firstPort + id,
        server: this.#server,
        serverPort: this.#serverPort,
        halves: { '>>': newHalf(1000, 64), '<<': newHalf(5000, 52) },
        due: new Map(),
      };
      this.#flows.set(id, flow);
    }
    return flow;
  }

  #act(flow: Flow, direction: Direction, at: number, action: string, options: SendOptions): void {
    const half = flow.halves[direction];
    const plain: Readonly<Record<string, number>> = {
      SYN: flag.syn,
      'SYN-ACK': flag.syn | flag.ack,
      ACK: flag.ack,
      FIN: flag.fin | flag.ack,
      RST: flag.rst | flag.ack,
      'BARE-RST': flag.rst,
    };
    if (plain[action] !== undefined) this.#send(flow, direction, at, plain[action], '', options);
    else if (action === 'PROBE') this.#put(flow, direction, at, half.next - 1, flag.ack, '', options);
    else if (action === 'again') {
      if (half.last === null) throw new Error('nothing to send again');
      const { sequence, flags, payload } = half.last;
      this.#put(flow, direction, at, sequence, flags, payload, options);
      if (options.lost !== true) this.#arrive(flow, direction, sequence + payload.length + taken(flags), at, options);
    } else this.#send(flow, direction, at, flag.ack | flag.psh, payloadOf(action), options);
  }

  #send(flow: Flow, direction: Direction, at: number, flags: number, payload: string, options: SendOptions): void {
    const half = flow.halves[direction];
    const sequence = half.next;
    this.#put(flow, direction, at, sequence, flags, payload, options);
    const size = payload.length + taken(flags);
    if (size === 0) return;
    half.next += size;
    half.last = { sequence, flags, payload };
    if (options.lost !== true) this.#arrive(flow, direction, half.next, at, options);
  }

  #arrive(flow: Flow, direction: Direction, end: number, at: number, options: SendOptions): void {
    const half = flow.halves[direction];
    half.arrivedBefore = half.arrived === 0 ? half.next - 1 : half.arrived;
    half.arrived = Math.max(half.arrived, end);
    if (options.unacked === true) return;
    // Each new segment puts the acknowledgement off: one for a burst is enough.
    flow.due.set(otherWay(direction), at + (options.delayed ?? this.#roundTrip));
  }

  #put(
    flow: Flow,
    direction: Direction,
    at: number,
    sequence: number,
    flags: number,
    payload: string,
    options: SendOptions,
  ): void {
    const half = flow.halves[direction];
    const peer = flow.halves[otherWay(direction)];
    const toServer = direction === '>>';
    if (options.window !== undefined) half.window = options.window;
    flow.due.delete(direction);
    const segment = tcp(
      {
        sourcePort: toServer ? flow.clientPort : flow.serverPort,
        destinationPort: toServer ? flow.serverPort : flow.clientPort,
        sequence,
        acknowledgment: (flags & flag.ack) === 0 ? 0 : options.crossing === true ? peer.arrivedBefore : peer.arrived,
        flags,
        window: half.window,
      },
      payload,
    );
    const packet = ipv4(segment, {
      source: toServer ? flow.client : flow.server,
      destination: toServer ? flow.server : flow.client,
      identification: half.identification++ & 0xffff,
      timeToLive: options.ttl ?? half.timeToLive,
    });
    if (options.uncaptured !== true) this.packets.push({ at, data: ethernet(packet) });
  }
}

interface SendOptions {
  crossing?: boolean;
  lost?: boolean;
  unacked?: boolean;
  uncaptured?: boolean;
  ttl?: number;
  window?: number;
  delayed?: number;
}

const taken = (flags: number): number => ((flags & flag.syn) !== 0 ? 1 : 0) + ((flags & flag.fin) !== 0 ? 1 : 0);

function optionsOf(text: string): SendOptions {
  const options: SendOptions = {};
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const [name, value] = word.split('=');
    if (name === 'crossing' || name === 'lost' || name === 'unacked' || name === 'uncaptured') options[name] = true;
    else if (name === 'ttl' || name === 'window' || name === 'delayed') options[name] = Number(value);
    else throw new Error(`no such option: ${word}`);
  }
  return options;
}

/** The bytes of `data N`, `text "…"`, a request or a response. */
function payloadOf(action: string): string {
  const [head = '', ...fieldTexts] = action.split('|').map((part) => part.trim());
  const words = head.split(/\s+/);
  if (words[0] === 'data') return 'x'.repeat(Number(words[1]));
  if (words[0] === 'text') return JSON.parse(head.slice(5));
  const after = (name: string): number | null => {
    const at = words.indexOf(name);
    return at < 0 ? null : Number(words[at + 1]);
  };
  const isResponse = /^\d{3}$/.test(words[0]!);
  const version = words.find((word) => word.startsWith('HTTP/')) ?? 'HTTP/1.1';
  const fields = isResponse ? fieldTexts : ['Host: example.test', ...fieldTexts];
  const content = after('body') ?? 0;
  const chunked = after('chunked') ?? after('half-chunked');
  let body = 'x'.repeat(content);
  if (chunked !== null) {
    fields.push('Transfer-Encoding: chunked');
    body = `${chunked.toString(16)}\r\n${'x'.repeat(chunked)}\r\n${words.includes('chunked') ? '0\r\n\r\n' : ''}`;
  } else if (words.includes('until-close')) {
    body = 'x'.repeat(after('until-close') ?? 0);
  } else if (isResponse || after('body') !== null || after('length') !== null) {
    fields.push(`Content-Length: ${after('length') ?? content}`);
  }
  const start = isResponse ? `${version} ${words[0]} Reason` : `${words[0]} ${words[1]} ${version}`;
  return `${[start, ...fields].join('\r\n')}\r\n\r\n${body}`;
}

/** What Holdfast makes of a conversation. */
export function tell(text: string, { roundTrip = 0.02 }: ConversationOptions = {}): ToldConversation {
  const stage = new Stage(roundTrip);
  for (const line of text.split('\n')) {
    const told = line.replace(/\/\/.*$/, '').trim();
    if (told !== '') stage.line(told);
  }
  stage.settle(Number.POSITIVE_INFINITY);
  const packets = stage.packets
    .toSorted((a, b) => a.at - b.at)
    .map(({ at, data }) => ({ data, at: at < stage.clock.from ? at : at + stage.clock.by }))
    .map(({ at, data }) => ({ data, seconds: 1_700_000_000 + Math.floor(at), fraction: Math.round((at % 1) * 1e9) }));
  const connections: Connection[] = [];
  const diagnosis = new Diagnosis({ hidden: true });
  const story = new Story({
    onConnection: (connection) => {
      connections.push(connection);
      diagnosis.take(connection);
    },
  });
  const capture = observeCapture({ observe: (observation) => story.observe(observation) });
  capture.push(pcap(packets, { magic: 0xa1b23c4d }));
  capture.end();
  story.end();
  const findings = diagnosis.findings();
  return { connections, diagnosis, findings, verdict: diagnosis.verdict(findings) };
}

/** `lines` for each index, joined. */
export const each = (count: number, lines: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => lines(index)).join('\n');
