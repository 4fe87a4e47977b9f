/**
 * One line of a tcpdump listing → what it says of a packet. Forms of tcpdump 3.x to 4.99 (and macOS):
 *
 *     20:36:50.801838 IP 218.1.57.236.43052 > 222.73.211.215.http: P 1:797(796) ack 1 win 32768          3.x
 *     01:11:01.793240 IP 127.0.0.1.53758 > 127.0.0.1.80: Flags [P.], seq 1:80, ack 1, win 64, options […], length 79: HTTP: GET / …
 *     01:11:01.793240 IP 127.0.0.1.53758 > 127.0.0.1.80: tcp 79                                          -q
 *     01:11:01.793240 IP (tos 0x0, ttl 64, id 34493, …, proto TCP (6), length 131)                       -v, and on a line of its own
 *         127.0.0.1.53758 > 127.0.0.1.80: Flags [P.], cksum 0xfe77 (correct), seq 1:80, …
 *
 * Before the addresses there may be a packet number (--number), an interface and direction (-i any), a link header (-e): they
 * are passed over. The first `A > B:` with TCP's words behind it is the packet, so nothing that stands in its payload can be one;
 * of tunnelled packets that is the innermost.
 *
 * Work is linear in the line, of which at most `headLineCharacters` are looked at. Numbers are as printed: relative ones are made
 * absolute elsewhere.
 */
import { type ListedOptions, noOptions, parseOptions } from './tcpdump-text-options.js';
import { type PrintedTime, takeTime } from './tcpdump-text-time.js';

/** A packet's own line is far shorter; a payload's line may have any length. */
const headLineCharacters = 8192;
/** `A > B` pairs looked at in a line: a link header and a few tunnels. */
const maximumPairs = 12;
const longestEnd = 160;

export interface ListedTcp {
  /** `flags`: tcpdump 4; `old`: tcpdump 3; `quiet`: nothing but the length. */
  readonly form: 'flags' | 'old' | 'quiet';
  readonly source: ListedEnd;
  readonly destination: ListedEnd;
  /** As `Segment.flags`; 0 in the quiet form. */
  readonly flags: number;
  /** As printed; null where the line has none (an empty segment without SYN, FIN and RST, unless -vv). */
  readonly sequence: number | null;
  readonly acknowledgment: number | null;
  readonly window: number;
  readonly payloadLength: number;
  readonly options: ListedOptions;
  /** What stands behind the length: a summary of the payload. */
  readonly tail: string;
}

/** Numbers as printed, or names. */
export interface ListedEnd {
  readonly host: string;
  readonly port: string;
}

/** A line that begins a packet, or its second part. */
export interface ListedLine {
  readonly time: PrintedTime | null;
  /** 4, 6, or 0 when the line names no IP. */
  readonly ipVersion: 0 | 4 | 6;
  /** Both are −1 without -v. */
  readonly timeToLive: number;
  readonly identification: number;
  readonly tcp: ListedTcp | null;
  /** -v: the packet's addresses stand on the next line. */
  readonly goesOn: boolean;
  /** What it is when it is not TCP. */
  readonly otherName: OtherName;
}

export type OtherName = 'UDP' | 'ICMP' | 'ICMPv6' | 'ARP' | 'fragment' | 'other';

const ackFlag = 16;
const flagLetters: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, '.': ackFlag, U: 32, E: 64, W: 128, e: 256 };

const endPattern = /^([\w.:-]{2,128})(?:%[\w-]{1,32})?\.([\w-]{1,32})$/;
const contentPattern =
  /^(?:Flags \[([A-Za-z.]{0,16})\]|tcp (\d{1,7})(?![\w.])|([SFPRWEU]{1,7}|\.)(?=,? (?:\[|\d|ack \d|win \d|cksum 0)))/;
const afterFlags =
  /^(?:, cksum 0x[0-9a-f]{1,4} \([^()]{0,40}\))?(?:, seq (\d{1,10})(?::(\d{1,10}))?)?(?:, ack (\d{1,10}))?(?:, win (\d{1,10}))?(?:, urg \d{1,10})?/;
const afterOldFlags =
  /^(?: \[[^\]]{0,64}\]|, cksum 0x[0-9a-f]{1,4} \([^()]{0,40}\),?)?(?: (\d{1,10}):(\d{1,10})\((\d{1,7})\))?(?: ack (\d{1,10}))?(?: win (\d{1,10}))?(?: urg \d{1,10})?(?: <([^<>]{0,512})>)?/;
const startPattern = /^(?:\S{1,32} +(?:In|Out|B|M|P) +)?(?:IP6? |[0-9a-f]{2}(?::[0-9a-f]{2}){5} > )/;

/** Reads a line that may begin a packet; null when it does not. */
export function parseListedLine(line: string): ListedLine | null {
  const text = line.length > headLineCharacters ? line.slice(0, headLineCharacters) : line;
  const taken = takeTime(text);
  if (taken === null) return startPattern.test(text) ? parseContent(text, null) : null;
  return parseContent(text.slice(taken.end), taken.time);
}

/** Reads the second line of a packet (-v): `    A > B: …`. */
export function parseSecondLine(line: string): ListedLine | null {
  return parseContent(line.slice(0, headLineCharacters), null);
}

function parseContent(rest: string, time: PrintedTime | null): ListedLine {
  const found = findTcp(rest);
  const head = found === null ? rest.slice(0, 512) : rest.slice(0, found.at);
  const tcp = found?.tcp ?? null;
  const ipVersion = versionOf(head, tcp);
  // tcpdump 3.x puts it behind: `(DF) (ttl 64, id 1234, len 60)`.
  const header = tcp?.form === 'old' && !head.includes('ttl ') ? tcp.tail.slice(0, 512) : head;
  return {
    time,
    ipVersion,
    timeToLive: numberIn(/\b(?:ttl|hlim) (\d{1,3})\b/.exec(header)),
    identification: ipVersion === 6 ? -1 : numberIn(/[, (]id (\d{1,5})\b/.exec(header)),
    tcp,
    goesOn: tcp === null && rest.endsWith(')') && head.includes('(tos 0x'),
    otherName: tcp === null ? nameOf(head) : 'other',
  };
}

function findTcp(rest: string): { readonly tcp: ListedTcp; readonly at: number } | null {
  let arrow = rest.indexOf(' > ');
  for (let pair = 0; arrow >= 0 && pair < maximumPairs; pair++, arrow = rest.indexOf(' > ', arrow + 3)) {
    const at = rest.lastIndexOf(' ', arrow - 1) + 1;
    const colon = rest.indexOf(': ', arrow + 3);
    if (colon < 0) return null;
    if (arrow - at > longestEnd || colon - arrow > longestEnd) continue;
    const source = endPattern.exec(rest.slice(at, arrow));
    const destination = endPattern.exec(rest.slice(arrow + 3, colon));
    if (source === null || destination === null) continue;
    const behind = rest.slice(colon + 2);
    const content = contentPattern.exec(behind);
    if (content === null) continue;
    const [whole, letters, length, oldLetters] = content;
    const after = behind.slice(whole.length);
    const part =
      letters !== undefined
        ? newTcp(letters, after)
        : length !== undefined
          ? quietTcp(length, after)
          : oldTcp(oldLetters!, after);
    const tcp = {
      ...part,
      source: { host: source[1]!, port: source[2]! },
      destination: { host: destination[1]!, port: destination[2]! },
    };
    return { tcp, at };
  }
  return null;
}

type TcpPart = Omit<ListedTcp, 'source' | 'destination'>;

function newTcp(letters: string, after: string): TcpPart {
  let flags = 0;
  if (letters !== 'none') for (const letter of letters) flags |= flagLetters[letter] ?? 0;
  const [whole = '', sequence, sequenceEnd, acknowledgment, window] = afterFlags.exec(after) ?? [];
  let rest = after.slice(whole.length);
  let options = noOptions();
  if (rest.startsWith(', options [')) {
    const end = rest.indexOf('], length ');
    if (end >= 0) {
      options = parseOptions(rest.slice(11, end));
      rest = rest.slice(end + 1);
    }
  }
  const length = /^, length (\d{1,7})/.exec(rest);
  const span = sequence === undefined || sequenceEnd === undefined ? 0 : (Number(sequenceEnd) - Number(sequence)) >>> 0;
  return {
    form: 'flags',
    flags,
    sequence: numberOrNull(sequence),
    acknowledgment: numberOrNull(acknowledgment),
    window: Math.min(Number(window ?? 0), 65_535),
    payloadLength: length !== null ? Number(length[1]) : Math.min(span, 65_535),
    options,
    tail: length === null ? rest : rest.slice(length[0].length),
  };
}

function oldTcp(letters: string, after: string): TcpPart {
  const [whole = '', sequence, , length, acknowledgment, window, options] = afterOldFlags.exec(after) ?? [];
  let flags = acknowledgment === undefined ? 0 : ackFlag;
  for (const letter of letters) if (letter !== '.') flags |= flagLetters[letter] ?? 0;
  return {
    form: 'old',
    flags,
    sequence: numberOrNull(sequence),
    acknowledgment: numberOrNull(acknowledgment),
    window: Math.min(Number(window ?? 0), 65_535),
    payloadLength: Number(length ?? 0),
    options: options === undefined ? noOptions() : parseOptions(options),
    tail: after.slice(whole.length),
  };
}

function quietTcp(length: string, tail: string): TcpPart {
  const nothing = { flags: 0, sequence: null, acknowledgment: null, window: 0, options: noOptions() };
  return { form: 'quiet', ...nothing, payloadLength: Number(length), tail };
}

const numberOrNull = (digits: string | undefined): number | null => (digits === undefined ? null : Number(digits));
const numberIn = (match: RegExpExecArray | null): number => (match === null ? -1 : Number(match[1]));

function versionOf(head: string, tcp: ListedTcp | null): 0 | 4 | 6 {
  if (tcp?.source.host.includes(':')) return 6;
  const named = head
    .slice(-512)
    .match(/\b(?:IPv[46]|IP6?)(?=[\s,:(]|$)/g)
    ?.at(-1);
  if (named !== undefined) return named.endsWith('6') ? 6 : 4;
  return tcp !== null ? 4 : 0;
}

function nameOf(head: string): OtherName {
  if (/\b(?:ARP|arp)[ ,]/.test(head)) return 'ARP';
  if (/: ICMP6|next-header ICMPv6/.test(head)) return 'ICMPv6';
  if (/: ICMP|: icmp|proto ICMP/.test(head)) return 'ICMP';
  if (/: ip-proto-|: frag |offset [1-9]\d{0,5}, flags|: tcp$/.test(head)) return 'fragment';
  if (/: UDP|: udp |proto UDP|: SIP|\.(?:53|domain|5353|mdns|123|ntp|67|68|bootps|bootpc)(?: > |: )/.test(head)) return 'UDP';
  return 'other';
}
