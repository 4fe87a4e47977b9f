/**
 * Conditions as a graph of decisions: each node is a test with a way for yes and a way for no, down to "keep" and "reject".
 *
 * Nodes are made from the end on and equal ones are one (hash consing), so a condition that many lead to is there once. Then ways
 * are shortened: where all that leads to a node already says how its test ends, the way goes past it. This is what the optimiser of
 * libpcap does with its flow graph, and like there a load that is left out because its result is known, or makes no difference,
 * can no longer reject a packet that is too short for it.
 */

import type { Condition, PacketTest } from './bpf-condition.js';
import { bpf, operandX } from './bpf-instruction.js';
import { compare } from './bpf-machine.js';

export type Decision = Verdict | DecisionNode;
export type Verdict = 'keep' | 'reject';

export interface DecisionNode {
  readonly test: PacketTest;
  /** Names what is loaded, and the whole test. */
  readonly loadKey: string;
  readonly testKey: string;
  readonly yes: Decision;
  readonly no: Decision;
}

/** Rounds of shortening; most graphs are done after two. */
const roundLimit = 10;

export function decisionGraphOf(condition: Condition): Decision {
  let root = build(condition, 'keep', 'reject', new NodeTable());
  for (let round = 0; round < roundLimit; round++) {
    const shorter = regroup(shorten(root));
    if (shorter === root) break;
    root = shorter;
  }
  return root;
}

/** Makes nodes; equal ones are the same object, and one of which both ways are the same is that way. */
class NodeTable {
  readonly #nodes = new Map<string, DecisionNode>();
  readonly #numbers = new Map<Decision, number>();

  node(test: PacketTest, yes: Decision, no: Decision, keys = keysOf(test)): Decision {
    if (yes === no) return yes;
    const key = `${keys.testKey}/${this.#number(yes)}/${this.#number(no)}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const node = { test, ...keys, yes, no };
    this.#nodes.set(key, node);
    return node;
  }

  #number(decision: Decision): number {
    let number = this.#numbers.get(decision);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(decision, number);
    }
    return number;
  }
}

function keysOf({ steps, jump, k }: PacketTest): { readonly loadKey: string; readonly testKey: string } {
  const loadKey = steps.map((one) => `${one.code}:${one.k}`).join(',');
  return { loadKey, testKey: `${loadKey}?${jump}:${k}` };
}

function build(condition: Condition, yes: Decision, no: Decision, table: NodeTable): Decision {
  switch (condition.kind) {
    case 'constant':
      return condition.holds ? yes : no;
    case 'not':
      return build(condition.inner, no, yes, table);
    case 'and':
      return build(condition.left, build(condition.right, yes, no, table), no, table);
    case 'or':
      return build(condition.left, yes, build(condition.right, yes, no, table), table);
    case 'test':
      return table.node(condition, yes, no);
  }
}

/** Nodes so that each stands before those it leads to; the way for no follows closest. */
export function inOrder(root: Decision): DecisionNode[] {
  const done: DecisionNode[] = [];
  const seen = new Set<DecisionNode>();
  const stack: { readonly node: DecisionNode; leave: boolean }[] = [];
  const enter = (decision: Decision): void => {
    if (typeof decision !== 'string' && !seen.has(decision)) stack.push({ node: decision, leave: false });
  };
  enter(root);
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node, leave } = top;
    if (leave) {
      done.push(node);
      continue;
    }
    if (seen.has(node)) continue;
    seen.add(node);
    stack.push({ node, leave: true });
    enter(node.yes);
    enter(node.no);
  }
  return done.reverse();
}

/**
 * Puts tests of the same number next to each other where their order makes no difference but to the loads: among tests that all
 * lead to one place when they hold (or when they do not), and to the next test otherwise. libpcap does so too (or_pullup), and
 * so a packet that is too short for another test of the row may be kept by it.
 */
function regroup(root: Decision): Decision {
  if (typeof root === 'string') return root;
  const order = inOrder(root);
  const rows = unorderedRows(order);
  if (rows.size === 0) return root;
  const table = new NodeTable();
  const renewed = new Map<DecisionNode, Decision>();
  const renew = (decision: Decision): Decision => (typeof decision === 'string' ? decision : renewed.get(decision)!);
  for (const node of order.toReversed()) {
    const row = rows.get(node);
    if (row === undefined) {
      renewed.set(node, table.node(node.test, renew(node.yes), renew(node.no), node));
      continue;
    }
    const away = renew(row.on === 'no' ? node.yes : node.no);
    const made = byLoad(row.nodes).reduceRight<Decision>(
      (rest, each) => table.node(each.test, row.on === 'no' ? away : rest, row.on === 'no' ? rest : away, each),
      renew(row.nodes.at(-1)![row.on]),
    );
    renewed.set(node, made);
  }
  return renew(order[0]!);
}

interface Row {
  /** The way from one to the next; the other way is the same for all. */
  readonly on: 'yes' | 'no';
  readonly nodes: readonly DecisionNode[];
}

/** Rows that can be put in a better order, by their first node. Only the first can be reached from elsewhere. */
function unorderedRows(order: readonly DecisionNode[]): Map<DecisionNode, Row> {
  const ways = new Map<Decision, number>();
  for (const { yes, no } of order) for (const target of [yes, no]) ways.set(target, (ways.get(target) ?? 0) + 1);
  const rows = new Map<DecisionNode, Row>();
  for (const [on, off] of [
    ['no', 'yes'],
    ['yes', 'no'],
  ] as const) {
    const taken = new Set<DecisionNode>();
    for (const node of order) {
      if (taken.has(node)) continue;
      const nodes = [node];
      for (let next = node[on]; typeof next !== 'string'; next = next[on]) {
        if (next[off] !== node[off] || ways.get(next) !== 1) break;
        nodes.push(next);
        taken.add(next);
      }
      if (nodes.length > 2 && !rows.has(node) && byLoad(nodes).some((each, index) => each !== nodes[index]))
        rows.set(node, { on, nodes });
    }
  }
  return rows;
}

/** Stable: tests of one number behind its first test. */
function byLoad(row: readonly DecisionNode[]): DecisionNode[] {
  const places = new Map<string, number>();
  for (const { loadKey } of row) if (!places.has(loadKey)) places.set(loadKey, places.size);
  return row.toSorted((a, b) => places.get(a.loadKey)! - places.get(b.loadKey)!);
}

/** What is known on a way: values of loads, and how tests ended. */
interface Facts {
  readonly values: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<string, boolean>;
}

const nothingKnown: Facts = { values: new Map(), outcomes: new Map() };

function shorten(root: Decision): Decision {
  if (typeof root === 'string') return root;
  const order = inOrder(root);
  const isAskedAgain = repeatedKeys(order);
  const known = new Map<DecisionNode, Facts>([[order[0]!, nothingKnown]]);
  const ways = new Map<DecisionNode, { readonly yes: Decision; readonly no: Decision }>();
  let changed = false;
  for (const node of order) {
    const facts = known.get(node);
    // No way leads here any more.
    if (facts === undefined) continue;
    const shortened = { yes: node.yes, no: node.no };
    for (const [way, holds] of [
      ['yes', true],
      ['no', false],
    ] as const) {
      const onWay = withOutcome(facts, node, holds, isAskedAgain);
      shortened[way] = follow(node[way], onWay);
      changed ||= shortened[way] !== node[way];
      const target = shortened[way];
      if (typeof target === 'string') continue;
      const before = known.get(target);
      known.set(target, before === undefined ? onWay : common(before, onWay));
    }
    ways.set(node, shortened);
  }
  if (!changed) return root;
  const table = new NodeTable();
  const renewed = new Map<DecisionNode, Decision>();
  const renew = (decision: Decision): Decision => (typeof decision === 'string' ? decision : renewed.get(decision)!);
  for (const node of order.toReversed()) {
    const way = ways.get(node);
    if (way !== undefined) renewed.set(node, table.node(node.test, renew(way.yes), renew(way.no), node));
  }
  return renew(order[0]!);
}

function follow(start: Decision, facts: Facts): Decision {
  let decision = start;
  while (typeof decision !== 'string') {
    const holds = impliedOutcome(decision, facts);
    if (holds === null) break;
    decision = holds ? decision.yes : decision.no;
  }
  return decision;
}

function impliedOutcome({ test, loadKey, testKey }: DecisionNode, { values, outcomes }: Facts): boolean | null {
  const value = values.get(loadKey);
  if (value !== undefined && (test.jump & operandX) === 0) return compare(test.jump, value, test.k);
  return outcomes.get(testKey) ?? null;
}

/** Loads and tests that are there more than once: of others nothing needs to be known. */
function repeatedKeys(order: readonly DecisionNode[]): ReadonlySet<string> {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const { loadKey, testKey } of order) {
    for (const key of [loadKey, testKey]) {
      if (seen.has(key)) repeated.add(key);
      seen.add(key);
    }
  }
  return repeated;
}

function withOutcome(
  facts: Facts,
  { test, loadKey, testKey }: DecisionNode,
  holds: boolean,
  isAskedAgain: ReadonlySet<string>,
): Facts {
  let { values, outcomes } = facts;
  if (holds && test.jump === bpf.jeq && isAskedAgain.has(loadKey)) values = new Map(values).set(loadKey, test.k);
  if (isAskedAgain.has(testKey)) outcomes = new Map(outcomes).set(testKey, holds);
  return values === facts.values && outcomes === facts.outcomes ? facts : { values, outcomes };
}

const common = (a: Facts, b: Facts): Facts => ({ values: shared(a.values, b.values), outcomes: shared(a.outcomes, b.outcomes) });

function shared<Value>(a: ReadonlyMap<string, Value>, b: ReadonlyMap<string, Value>): ReadonlyMap<string, Value> {
  if (a === b) return a;
  const [few, many] = a.size <= b.size ? [a, b] : [b, a];
  return new Map([...few].filter(([key, value]) => many.get(key) === value));
}
