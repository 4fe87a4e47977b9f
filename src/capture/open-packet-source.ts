/**
 * The one entry to live packets: by a program that captures, on this host or another. When nothing can, the error says what would
 * help.
 */
import { userInfo } from 'node:os';
import { CaptureError } from './capture-error.js';
import type { PacketSourceOptions } from './capture-options.js';
import type { ToolName } from './capture-tool.js';
import type { PacketSource } from './packet-source.js';
import { openTcpdumpSource } from './tcpdump-source.js';

/** Begins to capture; packets from the moment this resolves are seen. Throws CaptureError. */
export async function openPacketSource(options: PacketSourceOptions = {}): Promise<PacketSource> {
  if (options.ssh !== undefined) return openTcpdumpSource(options);
  return openByProgram(options);
}

const programs: readonly ToolName[] = ['tcpdump', 'dumpcap'];

/** The first program that is there and may. What else goes wrong (no such interface, a bad filter) would go wrong with the next too. */
async function openByProgram(options: PacketSourceOptions): Promise<PacketSource> {
  const failures: CaptureError[] = [];
  for (const tool of programs) {
    try {
      return await openTcpdumpSource({ ...options, tool });
    } catch (error) {
      if (!(error instanceof CaptureError) || (error.code !== 'not-permitted' && error.code !== 'missing-program')) throw error;
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
