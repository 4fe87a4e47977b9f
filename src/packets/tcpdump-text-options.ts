/**
 * TCP options as tcpdump prints them: `mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 10`; 3.x: `timestamp 1 0`, `sack sack 1 {3:5}`.
 * The header's length follows from them; of options that are not known here it may come out too small.
 */

export interface ListedOptions {
  /** −1 where absent, as in `Segment`. */
  maximumSegmentSize: number;
  windowScale: number;
  sackPermitted: boolean;
  timestampValue: number;
  timestampEcho: number;
  /** Left and right edges in turn, as printed. */
  readonly sackEdges: number[];
  /** Bytes of the TCP header with these options. */
  headerByteCount: number;
}

const maximumSackBlocks = 4;
const maximumOptions = 40;
const sackBlock = /\{(\d{1,10}):(\d{1,10})\}/g;

export const noOptions = (): ListedOptions => ({
  maximumSegmentSize: -1,
  windowScale: -1,
  sackPermitted: false,
  timestampValue: -1,
  timestampEcho: -1,
  sackEdges: [],
  headerByteCount: 20,
});

export function parseOptions(text: string): ListedOptions {
  const options = noOptions();
  let byteCount = 0;
  for (const part of text.split(',', maximumOptions)) byteCount += takeOption(options, part.trim());
  options.headerByteCount = 20 + ((Math.min(byteCount, 40) + 3) & ~3);
  return options;
}

/** Notes one option and gives its length in bytes. */
function takeOption(options: ListedOptions, option: string): number {
  const [name = '', first, second, , fourth] = option.split(' ', 5);
  switch (name) {
    case 'nop':
    case 'eol':
      return 1;
    case 'mss':
      options.maximumSegmentSize = uint(first);
      return 4;
    case 'wscale':
      options.windowScale = Math.min(uint(first), 255);
      return 3;
    case 'sackOK':
      options.sackPermitted = true;
      return 2;
    case 'TS':
      options.timestampValue = uint(second) | 0;
      options.timestampEcho = uint(fourth) | 0;
      return 10;
    case 'timestamp':
      options.timestampValue = uint(first) | 0;
      options.timestampEcho = uint(second) | 0;
      return 10;
    case 'sack':
      for (const [, left, right] of option.matchAll(sackBlock)) {
        if (options.sackEdges.length < 2 * maximumSackBlocks) options.sackEdges.push(uint(left), uint(right));
      }
      return 2 + 4 * options.sackEdges.length;
    default:
      return 4;
  }
}

const uint = (text: string | undefined): number => (text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : 0);
