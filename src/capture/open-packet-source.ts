/**
 * The one entry to live packets: the ring of this kernel where it can be had, else a program that captures, here or on another host.
 * When nothing can, the error says what would help.
 */
import { userInfo } from 'node:os';
import { CaptureError } from './capture-error.js';
import type { CaptureFileOptions } from './capture-files.js';
import { captureDefaults, captureLimits, type PacketSourceOptions } from './capture-options.js';
import type { ToolName } from './capture-tool.js';
import type { PacketSource } from './packet-source.js';
import { RingCapture } from './ring-capture.js';
import { openTcpdumpSource } from './tcpdump-source.js';

/** Begins to capture; packets from the moment this resolves are seen. The bytes are pcapng, in whole blocks. Throws CaptureError. */
export async function openPacketSource(options: PacketSourceOptions = {}): Promise<PacketSource> {
  const opened = await openRingOr(options, null);
  return opened instanceof RingCapture ? sourceOf(opened, options) : opened;
}

/** As a ring (which writes its files itself when there are any), or as the source that a program is. Throws CaptureError. */
export async function openRingOr(
  options: PacketSourceOptions,
  files: CaptureFileOptions | null,
): Promise<RingCapture | PacketSource> {
  if (options.ssh !== undefined) return openTcpdumpSource(options);
  const failures: CaptureError[] = [];
  if (options.by !== 'program') {
    try {
      return await openRing(options, files);
    } catch (error) {
      if (options.by === 'ring' || !canOthers(error)) throw error;
      failures.push(error);
    }
  }
  return openByProgram(options, failures);
}

const openRing = (options: PacketSourceOptions, files: CaptureFileOptions | null): Promise<RingCapture> =>
  RingCapture.open({
    interface: options.interface ?? captureDefaults.interface,
    filter: options.filter ?? '',
    snapLength: options.snapLength ?? captureDefaults.snapLength,
    bufferBytes: options.bufferBytes ?? captureDefaults.bufferBytes,
    packetLimit: options.packetLimit ?? null,
    promiscuous: options.promiscuous ?? false,
    files,
    queueLimitBytes: captureLimits.queuedBytes,
    whenBehind: options.whenBehind ?? 'drop',
  });

export const ringName = (options: PacketSourceOptions): string =>
  `${options.interface ?? captureDefaults.interface}, AF_PACKET ring`;

const sourceOf = (ring: RingCapture, options: PacketSourceOptions): PacketSource => ({
  name: ringName(options),
  chunks: ring.chunks,
  statistics: () => ring.counts(),
  stop: () => ring.stop(),
});

/** What else goes wrong (no such interface, a bad filter) would go wrong with the next too. */
const canOthers = (error: unknown): error is CaptureError =>
  error instanceof CaptureError && ['not-permitted', 'missing-program', 'not-supported'].includes(error.code);

const programs: readonly ToolName[] = ['tcpdump', 'dumpcap'];

/** The first program that is there and may. */
async function openByProgram(options: PacketSourceOptions, failures: CaptureError[]): Promise<PacketSource> {
  for (const tool of programs) {
    try {
      return await openTcpdumpSource({ ...options, tool });
    } catch (error) {
      if (!canOthers(error)) throw error;
      failures.push(error);
    }
  }
  throw nobodyMay(failures);
}

/** One sentence of what was tried, and the ways out that fit it. */
function nobodyMay(failures: readonly CaptureError[]): CaptureError {
  const user = userName();
  const refused = failures.some(({ code }) => code === 'not-permitted');
  // Those of the programs come last.
  const missing = failures.slice(-programs.length).filter(({ code }) => code === 'missing-program').length;
  const isForGroup = failures.some(({ cause }) => cause instanceof Error && 'code' in cause && cause.code === 'EACCES');
  const hasTool = missing < programs.length;
  const asRoot: Way = ['sudo holdfast capture …', 'as root'];
  const elsewhere: Way = ['holdfast capture --ssh root@HOST …', 'where you have the right'];
  if (!refused) {
    const tried = failures.map(({ message }) => message).join('; ');
    const install: Way = ['sudo apt install tcpdump', 'also: dnf install, apk add, brew install'];
    return new CaptureError('missing-program', `nothing here can capture: ${tried}`, { wayOut: listed([install, elsewhere]) });
  }
  const tools = hasTool ? 'tcpdump and dumpcap may not either' : 'there is neither tcpdump nor dumpcap';
  const wayOut = listed([
    asRoot,
    ...(isForGroup
      ? [[`sudo usermod -aG wireshark ${user}`, 'the group that may run dumpcap; log in again after it'] as const]
      : []),
    ...(hasTool ? [['sudo setcap cap_net_raw=ep "$(command -v tcpdump)"', 'tcpdump, for every user of this host'] as const] : []),
    elsewhere,
  ]);
  return new CaptureError('not-permitted', `the user ${user} may not capture packets (no CAP_NET_RAW; ${tools})`, {
    wayOut,
    cause: failures.at(-1),
  });
}

/** A command, and what it gives. */
type Way = readonly [command: string, gives: string];

const listed = (ways: readonly Way[]): string => {
  const width = Math.max(...ways.map(([command]) => command.length));
  return ways.map(([command, gives], index) => `${command.padEnd(width)}   ${index === 0 ? '' : 'or: '}${gives}`).join('\n');
};

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'here');
  }
}
