/**
 * The program that the kernel runs on every packet before it takes room in the ring.
 *
 * Rules
 * - Our own compiler first. What it does not know, tcpdump is asked for (`tcpdump -ddd`), if it is installed.
 * - Loopback shows each packet twice; the one going out is refused here, before it costs room.
 * - Cooked packets come to the filter without the header that tcpdump compiles for; its offsets are moved, as libpcap does.
 */
import { execFileSync } from 'node:child_process';
import { compileFilter } from './bpf-compile.js';
import { type BpfInstruction, bpf, bpfProgramLimit, step } from './bpf-instruction.js';
import { CaptureError } from './capture-error.js';
import { toolFailure } from './capture-tool.js';
import type { InterfaceFacts } from './packet-ring.js';

/** Offsets that the kernel answers itself (linux/filter.h: SKF_AD_OFF and behind it). */
const ancillary = 0xffff_f000;
const Ancillary = { protocol: ancillary, packetType: ancillary + 4, interfaceIndex: ancillary + 8 } as const;
const packetOutgoing = 4;

const cookedByteCount = 20;
/** Of Linux's cooked header, version 2. */
const CookedOffset = { protocol: 0, interfaceIndex: 4, packetType: 10 } as const;

const classMask = 0x07;
const modeMask = 0xe0;
const BpfClass = { ld: 0, ldx: 1 } as const;
const BpfMode = { absolute: 0x20, indirect: 0x40, headerLength: 0xa0 } as const;

/** Refuses everything: ends a capture without losing what is in the ring. */
export const refuseAll: readonly BpfInstruction[] = [step(bpf.ret, 0)];

export interface KernelFilterOptions {
  readonly expression: string;
  readonly facts: InterfaceFacts;
  /** The interface of which outgoing packets are left out; 0 for none. */
  readonly loopbackIndex: number;
  /** Bytes kept of a packet, with its cooked header. */
  readonly snapLength: number;
}

/** Throws CaptureError `bad-filter`. */
export function kernelFilter({ expression, facts, loopbackIndex, snapLength }: KernelFilterOptions): BpfInstruction[] {
  const kept = facts.cooked ? snapLength - cookedByteCount : snapLength;
  const program = programOf(expression, facts).map((each) =>
    each.code === bpf.ret && each.k !== 0 ? step(bpf.ret, Math.min(each.k, kept)) : each,
  );
  return [...withoutOutgoing(facts, loopbackIndex), ...program];
}

/** Goes on behind itself with every packet but loopback's outgoing ones. */
function withoutOutgoing({ index, loopback }: InterfaceFacts, loopbackIndex: number): BpfInstruction[] {
  const outgoing = [step(bpf.ld, Ancillary.packetType), { code: bpf.jeq, jt: 0, jf: 1, k: packetOutgoing }, step(bpf.ret, 0)];
  if (loopback) return outgoing;
  if (index !== 0 || loopbackIndex === 0) return [];
  return [step(bpf.ld, Ancillary.interfaceIndex), { code: bpf.jeq, jt: 0, jf: outgoing.length, k: loopbackIndex }, ...outgoing];
}

function programOf(expression: string, facts: InterfaceFacts): readonly BpfInstruction[] {
  const compiled = compileFilter(expression, facts.cooked ? 'cooked' : facts.linkType);
  if (compiled.ok) return compiled.program;
  if (compiled.kind === 'wrong') throw wrong(expression, compiled);
  return compiledByTcpdump(expression, facts, compiled.why);
}

function wrong(expression: string, { why, position }: { readonly why: string; readonly position: number }): CaptureError {
  const place = /^[ -~]*$/.test(expression) ? `\n  ${expression}\n  ${' '.repeat(position)}^` : '';
  return new CaptureError('bad-filter', `in the filter, ${why} at character ${position + 1}${place}`);
}

/** How long tcpdump may take; names of hosts are looked up. */
const patienceMs = 20_000;

function compiledByTcpdump(expression: string, facts: InterfaceFacts, why: string): BpfInstruction[] {
  const link = facts.cooked ? ['-i', 'any', '-y', 'LINUX_SLL2'] : ['-i', facts.name];
  let listing: string;
  try {
    listing = execFileSync('tcpdump', [...link, '-ddd', '--', expression], {
      encoding: 'utf8',
      timeout: patienceMs,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin:/usr/local/sbin` },
    });
  } catch (cause) {
    const { code, stderr } = cause as NodeJS.ErrnoException & { readonly stderr?: string };
    if (code === 'ENOENT') {
      const wayOut =
        'Install tcpdump, which compiles such filters for us, or use its plainer words: tcp, port, host, net, and, or, not.';
      throw new CaptureError('bad-filter', `in the filter, ${why}, and there is no tcpdump to ask`, { wayOut, cause });
    }
    throw new CaptureError('bad-filter', toolFailure(stderr ?? '', 'tcpdump').message, { cause });
  }
  const program = readListing(listing);
  return facts.cooked ? program.map(forCooked) : program;
}

/** `tcpdump -ddd`: the count, then a line each of code, jt, jf, k. */
function readListing(listing: string): BpfInstruction[] {
  const lines = listing
    .trim()
    .split('\n')
    .slice(1, bpfProgramLimit + 1);
  return lines.map((line) => {
    const [code = 0, jt = 0, jf = 0, k = 0] = line.split(' ').map(Number);
    return { code, jt, jf, k };
  });
}

/** A load from the cooked header becomes one of what the kernel knows; a load from behind it moves ahead by its length. */
function forCooked(instruction: BpfInstruction): BpfInstruction {
  const { code, k } = instruction;
  const mode = code & modeMask;
  const fromPacket =
    (code & classMask) === BpfClass.ld
      ? mode === BpfMode.absolute || mode === BpfMode.indirect
      : (code & classMask) === BpfClass.ldx && mode === BpfMode.headerLength;
  if (!fromPacket || k >= ancillary) return instruction;
  if (k >= cookedByteCount) return { ...instruction, k: k - cookedByteCount };
  switch (k) {
    case CookedOffset.protocol:
      return { ...instruction, k: Ancillary.protocol };
    case CookedOffset.interfaceIndex:
      return { ...instruction, k: Ancillary.interfaceIndex };
    case CookedOffset.packetType:
      return { ...instruction, k: Ancillary.packetType };
    default:
      throw new CaptureError('bad-filter', `the filter asks for byte ${k} of the cooked header, which the kernel does not give`);
  }
}
