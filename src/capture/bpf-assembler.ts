/**
 * From a graph of decisions to instructions.
 *
 * What A and X hold is followed along all ways, and a load is left out where it is there already: whole, or its beginning when only
 * arithmetic with constants follows. A test jumps at most 255 instructions; where its target is farther, a `ja` behind it goes on.
 */

import { type Decision, type DecisionNode, inOrder, type Verdict } from './bpf-decision-graph.js';
import { type BpfInstruction, bpf, bpfProgramLimit, keepAllBytes, step } from './bpf-instruction.js';
import { FilterRefusal } from './bpf-refusal.js';

const longestTestJump = 255;

export function assemble(root: Decision): BpfInstruction[] {
  if (typeof root === 'string') return [verdictInstruction(root)];
  const order = inOrder(root);
  const loads = neededLoads(order);
  // From the end on: the distance to a target is how much stands behind.
  const reversed: BpfInstruction[] = [];
  const places = new Map<Decision, number>();
  const placed: Placed = { places, relays: new Map() };
  for (const verdict of ['reject', 'keep'] as const) {
    reversed.push(verdictInstruction(verdict));
    places.set(verdict, reversed.length);
  }
  for (const node of order.toReversed()) {
    pushTest(node, reversed, placed);
    reversed.push(...loads.get(node)!.toReversed());
    places.set(node, reversed.length);
    if (reversed.length > bpfProgramLimit)
      throw new FilterRefusal('unsupported', `a program of more than ${bpfProgramLimit} instructions`, 0);
  }
  return reversed.reverse();
}

const verdictInstruction = (verdict: Verdict): BpfInstruction => step(bpf.ret, verdict === 'keep' ? keepAllBytes : 0);

/**
 * Appends a test to the reversed program. A far target is reached by a `ja`: one that an earlier test already needed where it is near
 * enough, else a new one behind this test.
 */
function pushTest({ test, yes, no }: DecisionNode, reversed: BpfInstruction[], { places, relays }: Placed): void {
  // A new ja makes the other way longer by one.
  const isNear = (place: number): boolean => reversed.length - place < longestTestJump;
  for (const target of [no, yes]) {
    const place = places.get(target)!;
    const relay = relays.get(target);
    if (isNear(place) || (relay !== undefined && isNear(relay))) continue;
    reversed.push(step(bpf.ja, reversed.length - place));
    relays.set(target, reversed.length);
  }
  const jump = (target: Decision): number => {
    const distance = reversed.length - places.get(target)!;
    return distance <= longestTestJump ? distance : reversed.length - relays.get(target)!;
  };
  reversed.push({ code: test.jump, jt: jump(yes), jf: jump(no), k: test.k });
}

/** Where things stand, counted from the end. */
interface Placed {
  readonly places: Map<Decision, number>;
  /** The newest `ja` to a target. */
  readonly relays: Map<Decision, number>;
}

/** What the registers hold: how A was made, and what X was last loaded with. */
interface Registers {
  readonly a: readonly string[] | null;
  readonly x: string | null;
}

const unknownRegisters: Registers = { a: null, x: null };

/** For each node the instructions of its load that are not done already. */
function neededLoads(order: readonly DecisionNode[]): ReadonlyMap<DecisionNode, readonly BpfInstruction[]> {
  const before = new Map<DecisionNode, Registers>();
  const loads = new Map<DecisionNode, readonly BpfInstruction[]>();
  for (const node of order) {
    const registers = before.get(node) ?? unknownRegisters;
    const { steps } = node.test;
    loads.set(node, missingSteps(steps, registers));
    const after = registersAfter(steps, registers);
    for (const target of [node.yes, node.no]) {
      if (typeof target === 'string') continue;
      const other = before.get(target);
      before.set(target, other === undefined ? after : commonRegisters(other, after));
    }
  }
  return loads;
}

const nameOf = ({ code, k }: BpfInstruction): string => `${code}:${k}`;
const sameNames = (a: readonly string[] | null, b: readonly string[] | null): boolean =>
  a === b || (a !== null && b !== null && a.length === b.length && a.every((name, index) => name === b[index]));

const usesMoreThanA = ({ code }: BpfInstruction): boolean =>
  code === bpf.st || code === bpf.ldxMemory || code === bpf.ldxHeaderLength || code === bpf.tax;

function missingSteps(steps: readonly BpfInstruction[], { a, x }: Registers): readonly BpfInstruction[] {
  const names = steps.map(nameOf);
  if (a !== null && sameNames(a, names) && (!steps.some(usesMoreThanA) || isHeaderLoad(steps))) return [];
  if (a !== null && !steps.some(usesMoreThanA) && a.length < names.length && a.every((name, index) => name === names[index]))
    return steps.slice(a.length);
  return isHeaderLoad(steps) && x === names[0] ? steps.slice(1) : steps;
}

/** `ldx 4*([k]&0xf)` and one load by it: as good as a load from a fixed place, whatever X holds later. */
const isHeaderLoad = (steps: readonly BpfInstruction[]): boolean =>
  steps[0]?.code === bpf.ldxHeaderLength && !steps.slice(1).some(usesMoreThanA);

function registersAfter(steps: readonly BpfInstruction[], { x }: Registers): Registers {
  const names = steps.map(nameOf);
  if (isHeaderLoad(steps)) return { a: names, x: names[0]! };
  return { a: names, x: steps.some(usesMoreThanA) ? null : x };
}

const commonRegisters = (one: Registers, other: Registers): Registers => ({
  a: sameNames(one.a, other.a) ? one.a : null,
  x: one.x === other.x ? one.x : null,
});
