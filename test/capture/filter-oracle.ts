/**
 * tcpdump as the oracle of filters: its programs, and the packets of a capture as it reads them.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { BpfInstruction } from 'holdfast/capture';

export const haveTcpdump = spawnSync('tcpdump', ['--version']).status === 0;

const folder = mkdtempSync(join(tmpdir(), 'holdfast-filter-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const emptyCaptures = new Map<number, string>();

/** A capture of this link type without a packet: what a file is, decides how tcpdump compiles for it. */
function emptyCapture(linkType: number): string {
  let path = emptyCaptures.get(linkType);
  if (path === undefined) {
    path = join(folder, `${linkType}.pcap`);
    const header = Buffer.alloc(24);
    header.writeUInt32LE(0xa1b2c3d4, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(262_144, 16);
    header.writeUInt32LE(linkType, 20);
    writeFileSync(path, header);
    emptyCaptures.set(linkType, path);
  }
  return path;
}

/** tcpdump's program, or null when it refuses the expression. `plain`: as it is before libpcap's optimiser. */
export function programOfTcpdump(expression: string, linkType: number, plain = false): BpfInstruction[] | null {
  const { status, stdout, stderr } = spawnSync('tcpdump', [
    plain ? '-nO' : '-n',
    '-r',
    emptyCapture(linkType),
    '-ddd',
    '--',
    expression,
  ]);
  // A complaint that is also a verdict.
  if (stderr.includes('expression rejects all packets')) return [{ code: 6, jt: 0, jf: 0, k: 0 }];
  if (status !== 0) return null;
  const [, ...lines] = stdout.toString().trim().split('\n');
  return lines.map((line) => {
    const [code, jt, jf, k] = line.split(' ').map(Number);
    return { code: code!, jt: jt!, jf: jf!, k: k! };
  });
}

export interface Frame {
  readonly bytes: Uint8Array;
  readonly wireLength: number;
}

export interface FrameList {
  readonly linkType: number;
  readonly frames: readonly Frame[];
}

/** The packets of a capture file that tcpdump can read (as far as it can), with a filter of its own; null when it cannot. */
export function framesOfTcpdump(path: string, expression = ''): FrameList | null {
  const { stdout } = spawnSync('tcpdump', ['-n', '-r', path, '-w', '-', '--', expression], { maxBuffer: 1 << 30 });
  if (stdout.length < 24) return null;
  const frames: Frame[] = [];
  for (let at = 24; at + 16 <= stdout.length; ) {
    const length = stdout.readUInt32LE(at + 8);
    frames.push({ bytes: stdout.subarray(at + 16, at + 16 + length), wireLength: stdout.readUInt32LE(at + 12) });
    at += 16 + length;
  }
  return { linkType: stdout.readUInt32LE(20), frames };
}
