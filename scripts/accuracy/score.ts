/**
 * Compares what was found with what was done, rule by rule. A fault of a connection is found when a finding of its rule names the
 * connection, one of a server when a finding of its rule is about the server. Whatever else a finding names is wrong: for rules with
 * faults at any level, for all others when it is bad or a warning.
 */

import type { ConnectionFault, Fault } from './truth.js';

export interface Report {
  readonly totals: { readonly connections: number; readonly requests: number };
  readonly source: { readonly packets: number };
  readonly connections: readonly {
    readonly id: number;
    readonly client: string;
    readonly server: string;
    readonly openedAt: string;
  }[];
  readonly findings: readonly {
    readonly rule: string;
    readonly level: string;
    readonly confidence: string;
    readonly detail: string;
    readonly connections: readonly number[];
    readonly sureCount: number;
    readonly server?: string | { readonly port: number };
  }[];
}

export interface Score {
  readonly rule: string;
  readonly unit: 'connection' | 'server' | '–';
  readonly injected: number;
  readonly found: number;
  readonly missed: readonly string[];
  readonly wrong: readonly string[];
  readonly variants: readonly string[];
}

const nearMs = 1500;
const portOf = (endpoint: string): number => Number(endpoint.slice(endpoint.lastIndexOf(':') + 1));

function connectionsOf(fault: ConnectionFault, report: Report): number[] {
  const found = report.connections.filter(({ client, server, openedAt }) => {
    if (portOf(server) !== fault.serverPort) return false;
    if (fault.clientPort === null) return true;
    return portOf(client) === fault.clientPort && Math.abs(Date.parse(openedAt) - fault.startedAtMs) < nearMs;
  });
  if (found.length === 0) throw new Error(`the capture has no connection for ${JSON.stringify(fault)}`);
  return found.map(({ id }) => id);
}

export function score(faults: readonly Fault[], report: Report): Score[] {
  const injected = new Set(faults.map(({ rule }) => rule));
  const rules = new Set([
    ...injected,
    ...report.findings.filter(({ level }) => level === 'bad' || level === 'warning').map(({ rule }) => rule),
  ]);
  const byId = new Map(report.connections.map((connection) => [connection.id, connection]));
  const describe = (id: number): string => {
    const { client, server } = byId.get(id)!;
    return `#${id} ${client} → ${server}`;
  };
  return [...rules].sort().map((rule) => {
    const ofRule = faults.filter((fault) => fault.rule === rule);
    const findings = report.findings.filter((finding) => finding.rule === rule && finding.level !== 'good');
    const variants = [...new Set(ofRule.map(({ variant }) => variant))];
    const unit: Score['unit'] = ofRule.length === 0 ? '–' : ofRule[0]!.unit;
    if (unit === 'server') {
      const named = new Set(findings.map(({ server }) => (typeof server === 'string' ? portOf(server) : server!.port)));
      const truth = new Set(ofRule.map(({ serverPort }) => serverPort));
      const missed = [...truth].filter((port) => !named.has(port)).map((port) => `port ${port}`);
      const wrong = [...named].filter((port) => !truth.has(port)).map((port) => `port ${port}`);
      return { rule, unit, injected: truth.size, found: truth.size - missed.length, missed, wrong, variants };
    }
    const named = new Set(findings.flatMap(({ connections }) => connections));
    const truth = new Map<number, string>();
    for (const fault of ofRule) {
      for (const id of connectionsOf(fault as ConnectionFault, report)) truth.set(id, fault.variant);
    }
    const missed = [...truth].filter(([id]) => !named.has(id)).map(([id, variant]) => `${describe(id)} (${variant})`);
    const wrong = [...named].filter((id) => !truth.has(id)).map(describe);
    if (unit === '–' && named.size === 0) wrong.push(...findings.map(({ detail }) => detail.slice(0, 80)));
    return { rule, unit, injected: truth.size, found: truth.size - missed.length, missed, wrong, variants };
  });
}

export interface BadlyRecorded {
  /** Connections or servers named by bad findings of high confidence, and those of them where nothing of the kind was done. */
  readonly surelyBad: number;
  readonly wronglyBad: readonly string[];
  /** The same of all other findings that say bad or warning. */
  readonly others: number;
  readonly wrongOthers: readonly string[];
}

/** What says less than what was done, and is true all the same; a bad recording may not show more. */
const alsoTrue: Readonly<Record<string, readonly string[]>> = {
  'closed-without-answer': ['server-died', 'cut-while-waiting'],
  // The client had been told twice; the first time was not recorded.
  'reuse-after-fin': ['request-after-close'],
  // The answer did come late; that its caller had gone was not recorded.
  'slow-server': ['client-gave-up', 'server-died'],
};

/** Judges a bad recording: a finding may be missing, but none may be made up. The recording may show other times and sides. */
export function scoreBadRecording(faults: readonly Fault[], report: Report): BadlyRecorded {
  const byId = new Map(report.connections.map((connection) => [connection.id, connection]));
  const wronglyBad: string[] = [];
  const wrongOthers: string[] = [];
  let surelyBad = 0;
  let others = 0;
  for (const { rule, level, confidence, server, connections, sureCount, detail } of report.findings) {
    if (level !== 'bad' && level !== 'warning') continue;
    const isSure = level === 'bad' && confidence === 'high';
    const done = faults.filter((fault) => fault.rule === rule || alsoTrue[rule]?.includes(fault.rule));
    const wrong: string[] = [];
    let named = 1;
    if (done[0]?.unit === 'server' || connections.length === 0) {
      const port = typeof server === 'string' ? portOf(server) : server!.port;
      if (!done.some(({ serverPort }) => serverPort === port)) wrong.push(`${rule}: ${detail}`);
    } else {
      // Those beyond doubt come first.
      const judged = isSure ? connections.slice(0, sureCount) : connections;
      named = judged.length;
      for (const id of judged) {
        const { client, server: end } = byId.get(id)!;
        const ports = [portOf(client), portOf(end)];
        const isDone = done.some(
          (fault) =>
            ports.includes(fault.serverPort) &&
            (fault.unit === 'server' || fault.clientPort === null || ports.includes(fault.clientPort)),
        );
        if (!isDone) wrong.push(`${rule}: #${id} ${client} → ${end}: ${detail}`);
      }
    }
    if (isSure) {
      surelyBad += named;
      wronglyBad.push(...wrong);
    } else {
      others += named;
      wrongOthers.push(...wrong);
    }
  }
  return { surelyBad, wronglyBad, others, wrongOthers };
}
