/**
 * The diagnosis: ended connections in, findings, inferences and a verdict out. Findings may be asked for at any time, also
 * while connections still come. Memory is bounded on streams of any length: facts are kept per server and per pair of ends, within
 * limits, evidence is counted beyond them.
 *
 * The work per connection is one pass over its exchanges, and a call of those rules that ask for what is unusual about it, which for
 * most connections are none; everything else waits until findings are asked for.
 */

import { HitCollector } from './diagnosis-findings.js';
import { inferServer, type ServerInference } from './diagnosis-inference.js';
import type { Rule } from './diagnosis-rule.js';
import { type Verdict, verdictOf } from './diagnosis-verdict.js';
import { ConnectionFacts } from './facts-connection.js';
import { type LostRequest, lostRequestOf } from './facts-lost-request.js';
import { needOf, type PairFacts, type PairNeed } from './facts-pair.js';
import type { ServerFacts } from './facts-server.js';
import { bitsOf } from './facts-signs.js';
import { WholeFacts } from './facts-whole.js';
import { type Connection, endingReasons, type Finding } from './model.js';
import { rules as allRules } from './rules/index.js';

/** Lost requests that wait for more knowledge of their server, of one and of all; beyond it they are judged with what is known. */
const lostLimits = { perServer: 512, together: 8192 } as const;

export interface DiagnosisOptions {
  /** Default: all rules. Lost requests go to the first that claims them. */
  readonly rules?: readonly Rule[];
  /** Also tell findings of hidden rules (noise). */
  readonly hidden?: boolean;
}

type Pattern = 'onConnection' | 'onLostRequest' | 'onPair' | 'onServer';

/** A rule that has this pattern, and its place in the list. `asks`: the signs of which one has to be there. `need`: of a pair. */
interface Looker<P extends Pattern> {
  readonly rule: Rule;
  readonly index: number;
  readonly asks: number;
  readonly need: PairNeed | null;
  readonly look: NonNullable<Rule[P]>;
}

/** The rules that look at connections that ended in one way, what they ask for together, and those that ask for some of these signs. */
interface Lookers {
  readonly asks: number;
  readonly all: readonly Looker<'onConnection'>[];
  readonly bySigns: Map<number, readonly Looker<'onConnection'>[]>;
}

export class Diagnosis {
  /** By the reason of the ending, in the order of `endingReasons`. */
  private readonly connectionLookers: readonly Lookers[];
  private readonly lostLookers: readonly Looker<'onLostRequest'>[];
  private readonly pairLookers: readonly Looker<'onPair'>[];
  private readonly serverLookers: readonly Looker<'onServer'>[];
  private readonly facts = new ConnectionFacts();
  private readonly whole: WholeFacts;
  private readonly hits = new HitCollector();
  /** Lost requests that wait, over all servers. */
  private waiting = 0;

  constructor({ rules = allRules, hidden = false }: DiagnosisOptions = {}) {
    const chosen = rules.filter((rule) => hidden || rule.hidden !== true);
    const atConnections = lookersOf(chosen, 'onConnection');
    this.connectionLookers = endingReasons.map((why) => {
      const all = atConnections.filter(({ rule }) => rule.endings?.includes(why) ?? true);
      return { asks: all.reduce((together, { asks }) => together | asks, 0), all, bySigns: new Map() };
    });
    this.lostLookers = lookersOf(chosen, 'onLostRequest');
    this.pairLookers = lookersOf(chosen, 'onPair');
    this.serverLookers = lookersOf(chosen, 'onServer');
    this.whole = new WholeFacts({
      server: (server) => {
        this.judgeServer(server, this.hits);
        this.waiting -= server.lost.length;
        server.lost.length = 0;
      },
      pair: (pair) => this.judgePair(pair, this.hits),
    });
  }

  /** A connection whose story is over. Nothing of it is kept but numbers and short strings. */
  take(connection: Connection): void {
    const facts = this.facts;
    facts.read(connection, this.whole.statusClasses);
    this.whole.add(connection, facts);
    const lookers = this.connectionLookers[facts.reason]!;
    if ((lookers.asks & facts.signs) !== 0) this.ask(lookersFor(lookers, facts.signs), connection);
    if (facts.firstUnanswered >= 0) this.keepLost(connection);
  }

  private ask(lookers: readonly Looker<'onConnection'>[], connection: Connection): void {
    const facts = this.facts;
    for (let place = 0; place < lookers.length; place++) {
      const { rule, index, look } = lookers[place]!;
      const hit = look(connection, facts);
      if (hit !== null) this.hits.add(rule, index, facts.server, hit, connection.id);
    }
  }

  private keepLost(connection: Connection): void {
    const { server } = this.facts;
    const lost = lostRequestOf(connection, this.facts);
    if (lost === null) return;
    const waiting = server.lost;
    waiting.push(lost);
    this.waiting++;
    if (waiting.length <= lostLimits.perServer && this.waiting <= lostLimits.together) return;
    const old = waiting.splice(0, (waiting.length + 1) >> 1);
    this.waiting -= old.length;
    for (const request of old) this.judgeLost(request, server, this.hits);
  }

  /** What was found so far: worst and surest first. */
  findings(): Finding[] {
    const hits = this.hits.copy();
    this.whole.index();
    for (const server of this.whole.servers.entries) this.judgeServer(server, hits);
    this.whole.forgetIndex();
    return hits.findings();
  }

  /** What was learned of each server, the busiest first; at most `limit`. */
  inferences(limit = 50): ServerInference[] {
    return [...this.whole.servers.entries]
      .filter((server) => server.httpConnections > 0)
      .sort((a, b) => b.requests - a.requests)
      .slice(0, limit)
      .map(inferServer);
  }

  /** The one answer: who kept the caller waiting, who ended it, and what to change. `findings`: as from `findings()`. */
  verdict(findings: readonly Finding[] = this.findings()): Verdict {
    return verdictOf(findings, this.whole);
  }

  private judgeServer(server: ServerFacts, hits: HitCollector): void {
    for (const lost of server.lost) this.judgeLost(lost, server, hits);
    for (const { rule, index, look } of this.serverLookers) {
      const found = look(server, this.whole) ?? [];
      for (const hit of Array.isArray(found) ? found : [found]) hits.add(rule, index, server, hit, null);
    }
    for (const pair of server.pairs.values()) this.judgePair(pair, hits);
  }

  private judgePair(pair: PairFacts, hits: HitCollector): void {
    const lookers = this.pairLookers;
    // Where there are more pairs than are kept, it is called for each new one.
    for (let place = 0; place < lookers.length; place++) {
      const { rule, index, need, look } = lookers[place]!;
      if (need !== null && !pair.reaches(need)) continue;
      const hit = look(pair, this.whole);
      if (hit !== null) hits.add(rule, index, pair.server, hit, null);
    }
  }

  private judgeLost(lost: LostRequest, server: ServerFacts, hits: HitCollector): void {
    for (const { rule, index, look } of this.lostLookers) {
      const hit = look(lost, server, this.whole);
      if (hit === null) continue;
      hits.add(rule, index, server, hit, lost.connection);
      return;
    }
  }
}

/** Found once for each combination of signs: there are few. */
function lookersFor({ all, bySigns }: Lookers, signs: number): readonly Looker<'onConnection'>[] {
  let lookers = bySigns.get(signs);
  if (lookers === undefined) {
    lookers = all.filter(({ asks }) => (asks & signs) !== 0);
    bySigns.set(signs, lookers);
  }
  return lookers;
}

const lookersOf = <P extends Pattern>(rules: readonly Rule[], pattern: P): readonly Looker<P>[] =>
  rules.flatMap((rule, index) => {
    const look = rule[pattern];
    const need = rule.asksPair === undefined ? null : needOf(rule.asksPair);
    return look === undefined ? [] : [{ rule, index, asks: bitsOf(rule.asks), need, look }];
  });
