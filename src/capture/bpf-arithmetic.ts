/**
 * Comparisons of calculated numbers, as conditions. Before a number is taken out of a protocol's header the packet is tested to
 * have one. What is constant is calculated here; what is not goes through scratch memory.
 */
import { allOf, type Condition, constant, loadAt, loadBehindIpv4, not, test } from './bpf-condition.js';
import type { Arithmetic, FilterExpression, Relation } from './bpf-expression.js';
import { alu, type BpfInstruction, bpf, bpfScratchWords, operandX, step } from './bpf-instruction.js';
import { etherType, type LinkLayout, notLaterFragment } from './bpf-link-layout.js';
import { calculate } from './bpf-machine.js';
import { protocolNumbers } from './bpf-names.js';
import { FilterRefusal } from './bpf-refusal.js';

export function relationCondition(
  { relation, left, right }: FilterExpression & { kind: 'relation' },
  layout: LinkLayout,
): Condition {
  const [a, b] = [folded(left), folded(right)];
  const compared =
    a.kind === 'number' && b.kind !== 'number' ? compare(mirrored[relation], b, a, layout) : compare(relation, a, b, layout);
  const checks = [...protocolChecks(left, layout), ...protocolChecks(right, layout)];
  return checks.reduceRight((condition, check) => allOf(check, condition), compared);
}

/** The same with its sides exchanged. */
const mirrored: Readonly<Record<Relation, Relation>> = { '>': '<', '>=': '<=', '=': '=', '<': '>', '<=': '>=', '!=': '!=' };

const jumps: Readonly<Record<Relation, { readonly jump: number; readonly holds: boolean }>> = {
  '>': { jump: bpf.jgt, holds: true },
  '>=': { jump: bpf.jge, holds: true },
  '=': { jump: bpf.jeq, holds: true },
  '<': { jump: bpf.jge, holds: false },
  '<=': { jump: bpf.jgt, holds: false },
  '!=': { jump: bpf.jeq, holds: false },
};

function compare(relation: Relation, left: Arithmetic, right: Arithmetic, layout: LinkLayout): Condition {
  const { jump, holds } = jumps[relation];
  const inSense = (condition: Condition): Condition => (holds ? condition : not(condition));
  if (right.kind !== 'number') {
    const steps = [...stepsOf(right, layout, 1), step(bpf.st, 0), ...stepsOf(left, layout, 1), step(bpf.ldxMemory, 0)];
    return inSense(test(steps, jump + operandX, 0));
  }
  if (left.kind === 'number') {
    const { value } = left;
    const isTrue = jump === bpf.jgt ? value > right.value : jump === bpf.jge ? value >= right.value : value === right.value;
    return constant(isTrue === holds);
  }
  if (
    jump === bpf.jeq &&
    right.value === 0 &&
    left.kind === 'operation' &&
    left.operator === '&' &&
    left.right.kind === 'number'
  ) {
    const anyBit = test(stepsOf(left.left, layout, 0), bpf.jset, left.right.value);
    return holds ? not(anyBit) : anyBit;
  }
  return inSense(test(stepsOf(left, layout, 0), jump, right.value));
}

/** The same number, with what is constant calculated. */
function folded(value: Arithmetic): Arithmetic {
  switch (value.kind) {
    case 'number':
    case 'length':
      return value;
    case 'load':
      return { ...value, offset: folded(value.offset) };
    case 'negation': {
      const inner = folded(value.inner);
      return inner.kind === 'number' ? { kind: 'number', value: -inner.value >>> 0 } : { kind: 'negation', inner };
    }
    case 'operation': {
      const { operator } = value;
      const [left, right] = [folded(value.left), folded(value.right)];
      if (right.kind === 'number' && (operator === '/' || operator === '%') && right.value === 0)
        throw new FilterRefusal('wrong', 'a division by zero', 0);
      if (right.kind === 'number' && (operator === '<<' || operator === '>>') && right.value > 31)
        throw new FilterRefusal('wrong', 'a shift by more than 31 bits', 0);
      if (left.kind === 'number' && right.kind === 'number')
        return { kind: 'number', value: calculate(alu[operator], left.value, right.value)! };
      if (right.kind === 'number' && right.value === 0 && (operator === '&' || operator === '*')) return right;
      const commutes = left.kind === 'number' && '+*&|^'.includes(operator);
      return commutes ? { kind: 'operation', operator, left: right, right: left } : { kind: 'operation', operator, left, right };
    }
  }
}

/**
 * Instructions that bring the number into A. They may use X, and scratch memory from `slot` on.
 */
function stepsOf(value: Arithmetic, layout: LinkLayout, slot: number): BpfInstruction[] {
  switch (value.kind) {
    case 'number':
      return [step(bpf.ldImmediate, value.value)];
    case 'length':
      return [step(bpf.ldLength)];
    case 'negation':
      return [...stepsOf(value.inner, layout, slot), step(bpf.neg)];
    case 'load':
      return loadSteps(value, layout, slot);
    case 'operation': {
      const { operator, left, right } = value;
      if (right.kind === 'number') return [...stepsOf(left, layout, slot), step(alu[operator], right.value)];
      if (slot >= bpfScratchWords) throw new FilterRefusal('unsupported', 'too much to calculate', 0);
      return [
        ...stepsOf(right, layout, slot),
        step(bpf.st, slot),
        ...stepsOf(left, layout, slot + 1),
        step(bpf.ldxMemory, slot),
        step(alu[operator] + operandX),
      ];
    }
  }
}

function loadSteps(load: Arithmetic & { kind: 'load' }, layout: LinkLayout, slot: number): BpfInstruction[] {
  const { offset, size } = load;
  const { base, behindIpv4 } = placeOf(load, layout);
  if (offset.kind === 'number') {
    if (offset.value > 0xffff) throw new FilterRefusal('unsupported', `an offset of ${offset.value}`, load.position);
    if (behindIpv4) return loadBehindIpv4(base, offset.value, size);
    return [loadAt(base + offset.value, size)];
  }
  const indexed = size === 1 ? bpf.ldbIndexed : size === 2 ? bpf.ldhIndexed : bpf.ldIndexed;
  const addHeader = behindIpv4 ? [step(bpf.ldxHeaderLength, base), step(alu['+'] + operandX)] : [];
  return [...stepsOf(offset, layout, slot), ...addHeader, step(bpf.tax), step(indexed, base)];
}

/** Where a protocol's header begins: at `base`, or behind the IPv4 header that does. */
function placeOf(
  { protocol, position }: Arithmetic & { kind: 'load' },
  { networkOffset, header }: LinkLayout,
): { readonly base: number; readonly behindIpv4: boolean } {
  switch (protocol) {
    case 'link':
      if (header === 'none') throw new FilterRefusal('unsupported', 'the link header is not seen here', position);
      return { base: 0, behindIpv4: false };
    case 'ip':
    case 'ip6':
    case 'arp':
    case 'rarp':
      return { base: networkOffset, behindIpv4: false };
    case 'icmp6':
      return { base: networkOffset + 40, behindIpv4: false };
    case 'ah':
    case 'esp':
      throw new FilterRefusal('wrong', `${protocol}[…] is not known`, position);
    default:
      return { base: networkOffset, behindIpv4: true };
  }
}

/**
 * What must hold before the numbers are loaded, inner ones first. Of an operation it is what the left side needs: so does libpcap, and
 * `ip[2:2] - tcp[12]` is calculated for UDP too. An expression shall choose the same packets here and there.
 */
function protocolChecks(value: Arithmetic, layout: LinkLayout): Condition[] {
  switch (value.kind) {
    case 'number':
    case 'length':
      return [];
    case 'negation':
      return protocolChecks(value.inner, layout);
    case 'operation':
      return protocolChecks(value.left, layout);
    case 'load':
      return [...protocolChecks(value.offset, layout), ...headerChecks(value.protocol, layout)];
  }
}

function headerChecks(protocol: (Arithmetic & { kind: 'load' })['protocol'], layout: LinkLayout): Condition[] {
  const { networkOffset } = layout;
  switch (protocol) {
    case 'link':
      return [];
    case 'ip':
      return [layout.isType(etherType.ipv4)];
    case 'ip6':
      return [layout.isType(etherType.ipv6)];
    case 'arp':
    case 'rarp':
      return [layout.isType(etherType[protocol])];
    case 'icmp6':
      return [layout.isType(etherType.ipv6), test([loadAt(networkOffset + 6, 1)], bpf.jeq, protocolNumbers.get('icmp6')!)];
    default:
      return [
        layout.isType(etherType.ipv4),
        test([loadAt(networkOffset + 9, 1)], bpf.jeq, protocolNumbers.get(protocol)!),
        notLaterFragment(layout),
      ];
  }
}
