/**
 * Hits become findings: all hits of one rule at one server with the same level and owner are one finding, because a person at
 * three in the morning wants one sentence with a number in it, not twenty-five findings.
 */
import { type ConnectionId, nsPerMs } from '../base/index.js';
import type { Confidence, Hit, Owner, Rule, Seen } from './diagnosis-rule.js';
import { endpointWords } from './diagnosis-words.js';
import type { ServerFacts } from './facts-server.js';
import type { Finding, FindingLevel, Fix } from './model.js';

export const diagnosisLimits = {
  /** Numbers kept as evidence of one finding. */
  connectionsPerFinding: 1000,
  packetsPerFinding: 100,
  /** Numbers kept as evidence over all findings; beyond it a finding keeps only its first few. */
  evidenceTogether: 200_000,
  fewEvidence: 8,
  /** Findings of one rule at servers where nothing was ever served; what it finds at others is told together. */
  neverServed: 8,
  /** Findings kept; beyond it the hits of further servers are not told. */
  findings: 10_000,
} as const;

const levelOrder: Readonly<Record<FindingLevel, number>> = { bad: 0, warning: 1, info: 2, good: 3 };
const confidenceOrder: Readonly<Record<Confidence, number>> = { high: 0, medium: 1, low: 2 };

interface Evidence {
  connections: ConnectionId[];
  packets: number[];
}

class Gathered {
  /** More servers than one: those beyond the first where nothing was ever served. */
  otherServers = 0;
  count = 0;
  sureCount = 0;
  connectionCount = 0;
  lostRequests = 0;
  delayNs = 0;
  confidence: Confidence = 'low';
  /** The first case of the best confidence, and the fixes it asks for. */
  text = '';
  fixes: readonly Fix[];
  sure: Evidence = { connections: [], packets: [] };
  unsure: Evidence = { connections: [], packets: [] };

  constructor(
    readonly rule: Rule,
    readonly ruleIndex: number,
    readonly server: ServerFacts,
    readonly level: FindingLevel,
    readonly owner: Owner,
  ) {
    this.fixes = rule.fixes;
  }

  copy(): Gathered {
    const copy = new Gathered(this.rule, this.ruleIndex, this.server, this.level, this.owner);
    Object.assign(copy, this);
    const copied = ({ connections, packets }: Evidence): Evidence => ({ connections: [...connections], packets: [...packets] });
    copy.sure = copied(this.sure);
    copy.unsure = copied(this.unsure);
    return copy;
  }

  /** Adds a case; `tight`: room for few numbers only. Returns how many numbers it kept. */
  add(hit: Hit, connection: ConnectionId | null, tight: boolean): number {
    const confidence = hit.confidence ?? this.rule.confidence;
    const count = hit.count ?? 1;
    if (this.count === 0 || confidenceOrder[confidence] < confidenceOrder[this.confidence]) {
      this.confidence = confidence;
      this.text = hit.text();
      this.fixes = hit.fixes?.() ?? this.rule.fixes;
    }
    this.count += count;
    if (confidence === 'high') this.sureCount += count;
    this.lostRequests += hit.lostRequests ?? 0;
    this.delayNs += hit.delayNs ?? 0;
    const { connections, packets } = confidence === 'high' ? this.sure : this.unsure;
    const { connectionsPerFinding, packetsPerFinding, fewEvidence } = diagnosisLimits;
    const mostConnections = tight ? fewEvidence : connectionsPerFinding;
    const before = connections.length + packets.length;
    if (hit.connections !== undefined) {
      this.connectionCount += hit.connections.length;
      for (const id of hit.connections) if (connections.length < mostConnections) connections.push(id);
    } else if (connection !== null) {
      this.connectionCount++;
      if (connections.length < mostConnections) connections.push(connection);
    }
    const mostPackets = tight ? fewEvidence : packetsPerFinding;
    for (const packet of hit.packets) if (packet > 0 && packets.length < mostPackets) packets.push(packet);
    return connections.length + packets.length - before;
  }

  finding(): Finding {
    const { rule, server } = this;
    const seen: Seen = {
      count: this.count,
      sureCount: this.sureCount,
      connectionCount: this.connectionCount,
      lostRequests: this.lostRequests,
      delayNs: this.delayNs,
      requests: server.requests,
      connections: server.connections,
    };
    const sum = rule.sum(seen);
    const others =
      this.otherServers === 0
        ? ''
        : ` and ${this.otherServers} more where nothing was ever served, as a port scan tries them; ${this.count} openings together`;
    return {
      rule: rule.id,
      level: this.level,
      confidence: this.confidence,
      owner: this.owner,
      title: rule.title,
      detail: `${endpointWords(server.endpoint)}${others}: ${[sum, this.text].filter((part) => part !== '').join(' ')}`,
      fixes: this.fixes,
      connections: distinct([...this.sure.connections, ...this.unsure.connections]).slice(
        0,
        diagnosisLimits.connectionsPerFinding,
      ),
      packets: distinct([...this.sure.packets, ...this.unsure.packets]).slice(0, diagnosisLimits.packetsPerFinding),
      server: server.endpoint,
      count: this.count,
      sureCount: this.sureCount,
      connectionCount: this.connectionCount,
      lostRequests: this.lostRequests,
      delayMs: this.delayNs / nsPerMs,
    };
  }
}

const distinct = <T>(items: readonly T[]): T[] => [...new Set(items)];

/** Of one rule, for servers where nothing was ever served: how many are told by themselves, and under which the others are. */
interface Places {
  told: number;
  further: ServerFacts | null;
}

export class HitCollector {
  readonly #gathered: Map<ServerFacts, Gathered[]>;
  #size = 0;
  #evidence = 0;
  /** By the rule's place. */
  readonly #neverServed: Map<number, Places>;

  constructor(gathered = new Map<ServerFacts, Gathered[]>(), neverServed = new Map<number, Places>()) {
    this.#gathered = gathered;
    this.#neverServed = neverServed;
  }

  add(rule: Rule, ruleIndex: number, from: ServerFacts, hit: Hit, connection: ConnectionId | null): void {
    const level = hit.level ?? rule.level;
    const owner = hit.owner ?? rule.owner;
    const server = from.hasServed ? from : this.#placeFor(from, ruleIndex);
    let ofServer = this.#gathered.get(server);
    if (ofServer === undefined) {
      ofServer = [];
      this.#gathered.set(server, ofServer);
    }
    let found = ofServer.find((one) => one.ruleIndex === ruleIndex && one.level === level && one.owner === owner);
    if (found === undefined) {
      if (this.#size >= diagnosisLimits.findings) return;
      this.#size++;
      found = new Gathered(rule, ruleIndex, server, level, owner);
      ofServer.push(found);
    }
    if (server !== from) found.otherServers++;
    this.#evidence += found.add(hit, connection, this.#evidence >= diagnosisLimits.evidenceTogether);
  }

  /** The first few have places of their own: a port scan would leave none for anything else. */
  #placeFor(server: ServerFacts, ruleIndex: number): ServerFacts {
    let places = this.#neverServed.get(ruleIndex);
    if (places === undefined) {
      places = { told: 0, further: null };
      this.#neverServed.set(ruleIndex, places);
    }
    if (places.told < diagnosisLimits.neverServed) {
      places.told++;
      return server;
    }
    places.further ??= server;
    return places.further;
  }

  /** The same content, to which more can be added without touching this one. */
  copy(): HitCollector {
    const copy = new HitCollector(
      new Map([...this.#gathered].map(([server, ofServer]) => [server, ofServer.map((one) => one.copy())])),
      new Map([...this.#neverServed].map(([rule, places]) => [rule, { ...places }])),
    );
    copy.#size = this.#size;
    copy.#evidence = this.#evidence;
    return copy;
  }

  /** Worst and surest first; then by what it cost, the order of the rules, and the server seen first. */
  findings(): Finding[] {
    return [...this.#gathered.values()]
      .flat()
      .sort(byWeight)
      .map((one) => one.finding());
  }
}

const byWeight = (one: Gathered, other: Gathered): number =>
  levelOrder[one.level] - levelOrder[other.level] ||
  confidenceOrder[one.confidence] - confidenceOrder[other.confidence] ||
  other.lostRequests - one.lostRequests ||
  other.delayNs - one.delayNs ||
  one.ruleIndex - other.ruleIndex;
