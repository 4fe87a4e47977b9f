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

function nobodyMay(failures: readonly CaptureError[]): CaptureError {
  const user = userName();
  const hasTool = failures.some(({ code }) => code === 'not-permitted');
  const tried = failures.map(({ message }) => message).join('; ');
  if (!hasTool) {
    const wayOut = [
      'sudo apt install tcpdump     (or: dnf install tcpdump, apk add tcpdump)',
      'sudo holdfast capture …      (on Linux root needs no other program)',
      'holdfast capture --ssh HOST …',
    ].join('\n');
    return new CaptureError('missing-program', `nothing here can capture: ${tried}`, { wayOut });
  }
  const wayOut = [
    'sudo holdfast capture …                              as root',
    'sudo setcap cap_net_raw=ep "$(command -v tcpdump)"   or: tcpdump for every user of this host',
    `sudo usermod -aG wireshark ${user}               or: the group that may run dumpcap; log in again after it`,
    'holdfast capture --ssh root@HOST …                   or: where you have the right',
  ].join('\n');
  return new CaptureError('not-permitted', `the user ${user} may not capture packets (${tried})`, { wayOut });
}

/** A container's user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'here');
  }
}
