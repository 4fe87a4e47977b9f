/**
 * The problems of one capture: a fixed list of codes, each with its count, the packet it first happened at and one sentence.
 * Problems are counted, never thrown: a damaged file is normal input.
 */
import type { SourceProblem } from '../base/index.js';

const texts = {
  'empty-input': 'The input has no bytes.',
  'unknown-format': 'The input is neither pcap, pcapng, snoop nor a listing of tcpdump.',
  'unknown-version': 'The file header names a version of the format that is not known; it was read as the usual one.',
  'file-cut-short': 'The file ends in the middle of a record; the whole records before it were read.',
  'record-damaged': 'A record header was damaged; reading went on at the next record that could be found.',
  'record-length-repaired': 'A record claimed more bytes than it had; it was ended where the next record begins.',
  'block-damaged': 'A pcapng block was damaged; reading went on at the next block that could be found.',
  'block-trailer-wrong': 'The length at the end of a pcapng block differs from the one at its start; the first one was used.',
  'block-malformed': 'A pcapng block is too short for what it says it holds; it was skipped.',
  'unknown-interface': 'A packet names an interface that the file does not describe; it was skipped.',
  'option-malformed': 'The options of a pcapng interface description run past its end; those before were used.',
  'interface-limit': 'The file describes more interfaces than can be remembered; packets of the others were skipped.',
  'packet-malformed': 'A packet contradicts its own headers (a length too small or too large); it was counted and skipped.',
  'packet-cut-in-headers': 'The snap length cut a packet inside its headers; it was counted and skipped.',
  'nesting-limit': 'A packet has more layers inside each other than are followed; it was counted and skipped.',
  'fragment-limit': 'More IP fragments were waiting than are kept; the oldest incomplete datagrams were dropped.',
  'fragment-overlap': 'IP fragments of one datagram overlap; the bytes that came first were used.',
  'fragments-incomplete': 'IP fragments of a datagram never came; what came of it was dropped.',
  'listing-line-unread': 'A line of the listing is neither a packet nor part of one; it was passed over.',
  'listing-ends-unread': 'A packet of the listing has an address or port that cannot be read; it was counted and skipped.',
  'listing-without-dates':
    'The listing has times of day without dates: it was put on 1 January 1970 and read as UTC; a silence of a day or more cannot be seen.',
  'listing-local-times': 'The listing does not say in which time zone its times are; they were read as UTC.',
  'listing-relative-times':
    'The listing has times since its first packet or the one before, not when that was; it was put on 1 January 1970.',
  'listing-times-unclear':
    'Times since the first packet (-ttttt) or since the one before (-ttt) look alike here; they were read as since the first.',
  'listing-without-times': 'The listing has no times (-t): how long anything took cannot be told.',
  'listing-quiet':
    'The listing has neither flags nor sequence numbers (-q): how connections open and end, and what was sent again, cannot be told.',
  'listing-payload-absent': 'The listing does not show the bytes of a packet, or not all of them.',
  'listing-payload-as-text': 'The listing shows bytes as text (-A): those that do not print are dots.',
  'listing-hex-damaged': 'A hex dump in the listing has lines missing; it was read as far as it goes.',
  'listing-probes-inferred':
    'Empty segments are listed without sequence numbers (unless -vv); some that came unasked after a silence were taken for keep-alive probes.',
  'listing-port-name-unknown': 'A port is listed by a name that is not known here; a number above 65535 stands for it.',
  'listing-packets-dropped': 'tcpdump says that packets were dropped before they could be listed.',
  'listing-connections-forgotten': 'The listing has more connections than are kept; numbers of the oldest begin anew.',
} as const;

export type ProblemCode = keyof typeof texts;

interface Counted {
  count: number;
  firstPacket: number;
  detail: string;
}

export class ProblemList {
  readonly #found = new Map<ProblemCode, Counted>();

  /** `packet`: number of the packet concerned, or of the one after the damage. `detail` is kept from the first report. */
  report(code: ProblemCode, packet: number, detail = ''): void {
    const known = this.#found.get(code);
    if (known === undefined) this.#found.set(code, { count: 1, firstPacket: packet, detail });
    else known.count += 1;
  }

  list(): SourceProblem[] {
    return [...this.#found].map(([code, { count, firstPacket, detail }]) => ({
      code,
      count,
      firstPacket,
      text: detail === '' ? texts[code] : `${texts[code]} (${detail})`,
    }));
  }
}
