/**
 * The programs that can capture for us, and what they say: tcpdump and Wireshark's dumpcap. Both write pcap to standard output
 * and messages and final counts to standard error.
 */
import { CaptureError } from './capture-error.js';

export type ToolName = 'tcpdump' | 'dumpcap';

export interface ToolOptions {
  readonly interface: string;
  /** libpcap's filter language; empty for everything. */
  readonly filter: string;
  readonly snapLength: number;
  readonly bufferBytes: number;
  /** Stop after so many packets. */
  readonly packetLimit: number | undefined;
}

/** What a tool said at its end; null where it said nothing of it. */
export interface ToolCounts {
  readonly received: number | null;
  readonly dropped: number | null;
}

interface Tool {
  /** Without the filter, which comes last in both forms. */
  args(options: ToolOptions): string[];
  /** The words before the filter. */
  readonly filterOption: readonly string[];
  counts(messages: string): ToolCounts;
}

const mebibyte = 1024 * 1024;

export const captureTools: Readonly<Record<ToolName, Tool>> = {
  tcpdump: {
    args: (options) => [
      '-n',
      '-U',
      ...['-i', options.interface],
      ...['-s', String(options.snapLength)],
      ...['-B', String(Math.max(1, Math.ceil(options.bufferBytes / 1024)))],
      ...(options.packetLimit === undefined ? [] : ['-c', String(options.packetLimit)]),
      ...['-w', '-'],
    ],
    // What follows is the filter, also when it begins with a minus.
    filterOption: ['--'],
    counts: (messages) => ({
      received: countBefore(messages, /(\d+) packets? received by filter/),
      dropped: countBefore(messages, /(\d+) packets? dropped by kernel/),
    }),
  },
  dumpcap: {
    args: (options) => [
      '-q',
      '-P',
      ...['-i', options.interface],
      ...['-s', String(options.snapLength)],
      ...['-B', String(Math.max(1, Math.ceil(options.bufferBytes / mebibyte)))],
      ...(options.packetLimit === undefined ? [] : ['-c', String(options.packetLimit)]),
      ...['-w', '-'],
    ],
    filterOption: ['-f'],
    counts: (messages) => ({
      received: countBefore(messages, /received\/dropped on interface .*: (\d+)\/\d+ \(/),
      dropped: countBefore(messages, /received\/dropped on interface .*: \d+\/(\d+) \(/),
    }),
  },
};

function countBefore(messages: string, pattern: RegExp): number | null {
  const found = pattern.exec(messages)?.[1];
  return found === undefined ? null : Number(found);
}

/** The words of a command line, filter and all. */
export function toolCommand(name: ToolName, options: ToolOptions): string[] {
  const tool = captureTools[name];
  const filter = options.filter === '' ? [] : [...tool.filterOption, options.filter];
  return [name, ...tool.args(options), ...filter];
}

/** What both write while all is well, and what does not help. */
const chatter =
  /^(tcpdump: (listening on|data link type|verbose output)|Capturing on|File: |Packets (captured|received)|\d+ packets? (captured|received|dropped)|dumpcap: .*no packets|\s*$)/i;

/** Why a tool ended, from what it wrote to standard error. `where` names interface and tool for the sentence. */
export function toolFailure(messages: string, where: string): CaptureError {
  const lines = messages.split('\n').filter((line) => !chatter.test(line));
  const said = lines
    .map((line) => line.replace(/^(\/\S+\/)?(tcpdump|dumpcap): /, '').trim())
    .filter((line) => line !== '')
    .slice(0, 4)
    .join(' ');
  if (/permission|not permitted|\(socket:|must be root/i.test(said))
    return new CaptureError('not-permitted', `no right to capture: ${said}`);
  if (
    /can't parse filter|syntax error|invalid capture filter|not a valid capture filter|unknown (host|port|network|protocol)/i.test(
      said,
    )
  )
    return new CaptureError('bad-filter', `the filter is not understood: ${said}`);
  if (/no such device|doesn't exist|no such interface|no such network interface|there is no device/i.test(said))
    return new CaptureError('no-interface', `there is no such interface: ${said}`);
  if (/not up|went down|disappeared|network is down|no longer (attached|there)/i.test(said))
    return new CaptureError('interface-down', `the interface is down: ${said}`);
  if (/command not found|: not found|no such file or directory/i.test(said))
    return new CaptureError('missing-program', `there is no tcpdump: ${said}`);
  return new CaptureError('failed', `${where}: ${said === '' ? 'ended without a word' : said}`);
}
