/**
 * Reads the text that tcpdump prints, from a file or pasted, line by line, into the same segments that a capture file gives. What a
 * listing does not tell is said among the problems, never made up silently.
 *
 * - A packet is its line, the line after it with -v, and what is shown of its bytes below. Whole bytes (-x, -X) are decoded as those
 *   of a capture file are; then the line's own words count for nothing but the time.
 * - What is no packet, nor below one, is counted ('listing-line-unread'); tcpdump's own remarks are known.
 * - Lines of a payload (-A) can look like packets. Where a packet of this length has been seen whole before, what stands within the
 *   length of a packet is its payload, whatever it looks like.
 *
 * The files beside this one: -line (one line), -options, -time, -numbers, -names, -payload.
 */
import type { Endpoint, OpenedObservation } from '../base/index.js';
import type { PacketDecoder } from './packet-decoder.js';
import type { Format, PacketSink } from './packet-sink.js';
import type { ProblemList } from './problems.js';
import { OtherProtocol, ProtocolSpace } from './protocol-name.js';
import { Segment, TcpFlag } from './segment.js';
import { type ListedLine, type OtherName, parseListedLine, parseSecondLine } from './tcpdump-text-line.js';
import { ListedNames } from './tcpdump-text-names.js';
import { ListedNumbers } from './tcpdump-text-numbers.js';
import { ListedPayload } from './tcpdump-text-payload.js';
import { decisionPackets, ListingClock, type PrintedTime } from './tcpdump-text-time.js';

const tcpdumpTextLimits = {
  /** A longer line is cut. */
  lineBytes: 256 * 1024,
  /** Lines without a single packet among them: then this is no listing. */
  linesWithoutPacket: 20_000,
} as const;

const lineFeed = 0x0a;
const lineGrowthBytes = 64;
const rawIp = 101;
const noBytes = new Uint8Array(0);
/** Where the IP header begins behind a link header (-xx): none, BSD loopback, Ethernet, Linux cooked, tagged Ethernet, cooked v2. */
const linkHeaderByteCounts = [0, 4, 14, 16, 18, 20, 22];
const remarks =
  /^(?:tcpdump|reading from file|listening on|dropped privs|Warning:|\d+ packets? (?:captured|received|dropped)|\^C|\s*$)/;

const protocolNumbers: Readonly<Record<OtherName, number>> = {
  UDP: ProtocolSpace.ip | 17,
  ICMP: ProtocolSpace.ip | 1,
  ICMPv6: ProtocolSpace.ip | 58,
  ARP: ProtocolSpace.etherType | 0x0806,
  fragment: OtherProtocol.fragment,
  other: ProtocolSpace.other | 0xffff,
};

interface Listed {
  line: ListedLine;
  readonly payload: ListedPayload;
}

export class TcpdumpTextFormat implements Format {
  /** A line's end is looked for again when it has grown by half: a long line costs linear time in pieces too. */
  needed = 1;
  readonly #sink: PacketSink;
  readonly #decoder: PacketDecoder;
  readonly #problems: ProblemList;
  readonly #onSegment: (segment: Segment) => void;
  readonly #segment = new Segment();
  readonly #clock = new ListingClock();
  readonly #numbers = new ListedNumbers();
  readonly #names = new ListedNames();
  readonly #linkTypes = new Set<string>();
  /** Packets held until the clock can tell what their times mean. */
  #held: Listed[] = [];
  #heldTime: PrintedTime | null = null;
  #current: Listed | null = null;
  #secondLineDue = false;
  #lines = 0;
  /** Lines before the first packet that could not be read: of a text that is no listing they are no problem. */
  #unreadBefore = 0;
  #indent = 0;
  /** Longest packet whose -A text was whole. */
  #longestWholeText = 0;
  #said = new Set<string>();

  constructor(sink: PacketSink, onSegment: (segment: Segment) => void) {
    this.#sink = sink;
    this.#decoder = sink.decoder;
    this.#problems = sink.problems;
    this.#onSegment = onSegment;
  }

  /** Names of link types that tcpdump said it had. */
  get linkTypes(): readonly string[] {
    return [...this.#linkTypes];
  }

  /** So many lines without a packet: this is some other text. */
  get isHopeless(): boolean {
    return this.#lines > tcpdumpTextLimits.linesWithoutPacket && this.#current === null && this.#decoder.packets === 0;
  }

  parse(data: Uint8Array, position: number, end: number, final: boolean): number {
    let at = position;
    while (at < end && !this.#sink.full && !this.isHopeless) {
      let lineEnd = data.indexOf(lineFeed, at);
      if (lineEnd < 0 || lineEnd >= end) {
        const held = end - at;
        if (!final && held <= tcpdumpTextLimits.lineBytes) {
          this.needed = held + Math.max(lineGrowthBytes, held >> 1);
          return at;
        }
        lineEnd = end;
      }
      this.#takeLine(latin1(data, at, Math.min(lineEnd, at + tcpdumpTextLimits.lineBytes)));
      at = lineEnd + 1;
    }
    this.needed = 1;
    if (final) this.#finish();
    return Math.min(at, end);
  }

  /** The connection's ends by the names that the listing has for them. */
  named(opened: OpenedObservation): OpenedObservation {
    if (!this.#names.hasNames) return opened;
    const { client, server } = opened;
    const told = (end: Endpoint, peer: Endpoint): Endpoint => ({
      address: this.#names.told(end.address, peer.address),
      port: end.port,
    });
    return { ...opened, client: told(client, server), server: told(server, client) };
  }

  #takeLine(raw: string): void {
    this.#lines += 1;
    const line = this.#withoutIndent(raw.endsWith('\r') ? raw.slice(0, -1) : raw);
    const current = this.#current;
    if (this.#secondLineDue && current !== null) {
      this.#secondLineDue = false;
      const second = /^\s/.test(line) ? parseSecondLine(line) : null;
      if (second !== null) {
        const { time, timeToLive, identification, ipVersion } = current.line;
        const otherName = second.otherName === 'other' ? current.line.otherName : second.otherName;
        current.line = { ...second, time, timeToLive, identification, ipVersion: ipVersion || second.ipVersion, otherName };
        return;
      }
    }
    if (line.startsWith('\t')) this.#takeBelow(line);
    else {
      const listed = this.#isWithinText(line) ? null : parseListedLine(line);
      if (listed !== null) this.#takePacket(listed);
      else this.#takeOther(line);
    }
  }

  /** A pasted listing may be indented as a whole, as much as its first packet is. */
  #withoutIndent(line: string): string {
    if (this.#indent > 0) return line.slice(Math.min(this.#indent, line.length - line.trimStart().length));
    if (this.#current !== null || !line.startsWith(' ') || parseListedLine(line) !== null) return line;
    const text = line.trimStart();
    if (parseListedLine(text)?.time == null) return line;
    this.#indent = line.length - text.length;
    return text;
  }

  #takePacket(line: ListedLine): void {
    const current = this.#current;
    if (line.time === null && this.#clock.form !== 'none') {
      // In a listing with times: a packet inside the one before (VXLAN, Geneve).
      if (current !== null && current.line.tcp === null && line.tcp !== null) current.line = { ...line, time: current.line.time };
      else this.#takeOther('');
      return;
    }
    this.#end();
    if (this.#sink.full) return;
    for (; this.#unreadBefore > 0; this.#unreadBefore--) this.#problems.report('listing-line-unread', 1);
    this.#current = { line, payload: new ListedPayload() };
    this.#secondLineDue = line.goesOn;
    this.#clock.decides(null, line.time);
  }

  /** A line with a tab before it. */
  #takeBelow(line: string): void {
    const current = this.#current;
    if (current === null || current.payload.hasText) this.#takeOther(line);
    else if (!current.payload.addHex(line) && current.line.tcp?.tail.startsWith(': HTTP') === true) {
      current.payload.addTabbed(line.slice(1));
    }
  }

  #takeOther(line: string): void {
    const { line: listed, payload } = this.#current ?? {};
    const linkType = /\blink-type \S{1,32} \(([^()]{1,48})\)/.exec(line.slice(0, 512));
    if (linkType !== null && remarks.test(line)) {
      if (this.#linkTypes.size < 16) this.#linkTypes.add(linkType[1]!);
    } else if (/^\d+ packets? dropped by (?:kernel|interface)/.test(line)) {
      if (!line.startsWith('0 '))
        this.#problems.report('listing-packets-dropped', this.#decoder.packets + 1, line.slice(0, 80).trim());
    } else if (listed !== undefined && payload !== undefined && this.#isText(line, listed, payload)) payload.addText(line);
    else if (payload?.addHex(line) === true || remarks.test(line) || (/^\s/.test(line) && payload !== undefined)) return;
    else if (this.#current === null && this.#decoder.packets === 0) this.#unreadBefore += 1;
    else this.#problems.report('listing-line-unread', this.#decoder.packets + 1);
  }

  /** -A: the first line below a packet begins with the IP version and header length, as a letter. */
  #isText(line: string, listed: ListedLine, payload: ListedPayload): boolean {
    if (listed.tcp === null && !payload.hasText) return /^[E`]./.test(line);
    return payload.hasText || /^(?:[E-O]|`)[\x20-\x7e]{7}/.test(line);
  }

  #isWithinText(line: string): boolean {
    const { line: listed, payload } = this.#current ?? {};
    if (listed?.tcp == null || payload?.hasText !== true) return false;
    const { tcp, ipVersion } = listed;
    const whole = (ipVersion === 6 ? 40 : 20) + tcp.options.headerByteCount + tcp.payloadLength;
    const { characters, lineEnds } = payload.textLength;
    return whole <= this.#longestWholeText && characters + lineEnds + line.length <= whole;
  }

  #end(): void {
    const current = this.#current;
    if (current === null) return;
    this.#current = null;
    this.#noteWholeText(current);
    const isDecided = this.#clock.decides(this.#heldTime, current.line.time);
    this.#heldTime = current.line.time;
    if (!isDecided) {
      this.#held.push(current);
      if (this.#held.length < decisionPackets) return;
      this.#clock.settle();
    } else if (this.#held.length === 0) {
      this.#tell(current);
      return;
    } else this.#held.push(current);
    this.#tellHeld();
  }

  #tellHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const listed of held) if (!this.#sink.full) this.#tell(listed);
  }

  #finish(): void {
    if (!this.#sink.full) this.#end();
    if (this.#held.length > 2) this.#sayOnce('listing-times-unclear');
    this.#clock.settle();
    this.#tellHeld();
    if (this.#decoder.packets === 0) {
      this.#problems.report('unknown-format', 0);
      return;
    }
    const { inferredProbes, forgotten } = this.#numbers;
    if (inferredProbes > 0) this.#problems.report('listing-probes-inferred', 0, `${inferredProbes} of them`);
    if (forgotten > 0) this.#problems.report('listing-connections-forgotten', 0, `${forgotten} of them`);
    const unknown = this.#names.unknownPorts;
    if (unknown.length > 0) this.#problems.report('listing-port-name-unknown', 0, unknown.slice(0, 8).join(', '));
  }

  #noteWholeText({ line: { tcp, ipVersion }, payload }: Listed): void {
    if (tcp === null || !payload.hasText) return;
    const whole = (ipVersion === 6 ? 40 : 20) + tcp.options.headerByteCount + tcp.payloadLength;
    const { characters, lineEnds } = payload.textLength;
    if (characters - 1 <= whole && characters - 1 + lineEnds >= whole)
      this.#longestWholeText = Math.max(this.#longestWholeText, whole);
  }

  #tell({ line, payload }: Listed): void {
    const packet = this.#decoder.packets + 1;
    this.#sayForm(line, packet);
    const { seconds, nanoseconds } = this.#clock.take(line.time);
    const sink = this.#sink;
    if (line.time !== null) sink.noteDecimals(line.time.decimals);
    if (!sink.hasOrigin) sink.setOrigin(seconds);
    const atNs = (seconds - sink.originSeconds) * 1e9 + nanoseconds;
    if (payload.hexDamaged) this.#problems.report('listing-hex-damaged', packet);
    const hex = payload.hex;
    const start = ipStart(hex, line);
    if (start >= 0) {
      sink.packetAt(hex, start, hex.length, start + ipByteCount(hex, start), rawIp, atNs);
      return;
    }
    if (line.tcp === null) this.#decoder.countRecord(protocolNumbers[line.otherName]);
    else this.#tellTcp(line, payload, atNs, packet);
    sink.noteListed(atNs);
  }

  #tellTcp(line: ListedLine, payload: ListedPayload, atNs: number, packet: number): void {
    const { tcp, ipVersion } = line;
    if (tcp === null) return;
    this.#decoder.packets += 1;
    this.#decoder.tcpPackets += 1;
    const segment = this.#segment;
    segment.packet = packet;
    segment.atNs = atNs;
    segment.timeToLive = line.timeToLive;
    segment.identification = line.identification;
    segment.payloadLength = tcp.payloadLength;
    const { options } = tcp;
    segment.maximumSegmentSize = options.maximumSegmentSize;
    segment.windowScale = options.windowScale;
    segment.timestampValue = options.timestampValue;
    segment.timestampEcho = options.timestampEcho;
    segment.sackPermitted = options.sackPermitted;
    segment.sackBlockCount = 0;
    if (!this.#names.fill(segment, tcp.source, tcp.destination, ipVersion)) {
      this.#problems.report('listing-ends-unread', packet);
      return;
    }
    if (!this.#numbers.fill(segment, tcp)) return;
    const headerByteCount = tcp.form === 'flags' || options.headerByteCount > 20 ? options.headerByteCount : 0;
    const bytes = payload.bytesFromText(tcp.payloadLength, headerByteCount, summaryOf(tcp.tail));
    segment.data = bytes ?? noBytes;
    segment.payloadStart = 0;
    segment.payloadEnd = segment.data.length;
    if (segment.payloadEnd < segment.payloadLength && (segment.flags & TcpFlag.rst) === 0)
      this.#problems.report('listing-payload-absent', packet);
    if (bytes !== null && payload.hasText) this.#sayOnce('listing-payload-as-text', packet);
    this.#onSegment(segment);
  }

  /** What the form of the listing leaves open, each said once. */
  #sayForm(line: ListedLine, packet: number): void {
    if (line.time === null) this.#sayOnce('listing-without-times', packet);
    else if (line.time.form === 'time-of-day') this.#sayOnce('listing-without-dates', packet);
    else if (line.time.form === 'date') this.#sayOnce('listing-local-times', packet);
    else if (line.time.form === 'since') this.#sayOnce('listing-relative-times', packet);
    if (line.tcp?.form === 'quiet') this.#sayOnce('listing-quiet', packet);
  }

  #sayOnce(code: Parameters<ProblemList['report']>[0], packet = this.#decoder.packets): void {
    if (this.#said.has(code)) return;
    this.#said.add(code);
    this.#problems.report(code, packet);
  }
}

const summaryOf = (tail: string): string => (tail.startsWith(': HTTP: ') ? tail.slice(8) : '');

/** Where the IP header of a hex dump begins, or −1: a header that holds, of the ports that the line names. */
function ipStart(hex: Uint8Array, { tcp }: ListedLine): number {
  for (const start of linkHeaderByteCounts) {
    if (start + 20 > hex.length) return -1;
    const version = hex[start]! >> 4;
    const headerByteCount = version === 4 ? (hex[start]! & 15) * 4 : version === 6 ? 40 : 0;
    if (headerByteCount < 20) continue;
    if (tcp === null) {
      if (start === 0 && ipByteCount(hex, 0) >= hex.length) return 0;
      continue;
    }
    const ports = start + headerByteCount;
    if (ports + 14 > hex.length) continue;
    if (isPort(hex, ports, tcp.source.port) && isPort(hex, ports + 2, tcp.destination.port)) return start;
  }
  return -1;
}

const isPort = (hex: Uint8Array, at: number, port: string): boolean =>
  !/^\d+$/.test(port) || Number(port) === ((hex[at]! << 8) | hex[at + 1]!);

/** As the IP header states it; what was captured when it states nothing (segmentation offload). */
function ipByteCount(hex: Uint8Array, start: number): number {
  const short = (at: number): number => (hex[start + at]! << 8) | hex[start + at + 1]!;
  const stated = hex[start]! >> 4 === 4 ? short(2) : short(4) === 0 ? 0 : short(4) + 40;
  return stated === 0 ? hex.length - start : stated;
}

function latin1(data: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += 8192) {
    text += String.fromCharCode(...data.subarray(at, Math.min(end, at + 8192)));
  }
  return text;
}
