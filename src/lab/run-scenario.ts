/**
 * Runs one scenario: opens the ground, has a witness watch, lets it be played, and judges what was seen.
 */

import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Observer } from '../base/index.js';
import { type Link, openLink } from '../capture/index.js';
import type { Evidence } from './evidence.js';
import type { Expectation, Judged } from './expectation.js';
import type { ClientPeer } from './peers/client-peer.js';
import type { ServerPeer } from './peers/server-peer.js';
import type { Sabotage } from './sabotage.js';
import { Scale } from './scale.js';
import type { Scenario } from './scenario.js';
import { type Ground, Stage } from './stage.js';
import { addressesOf, packetWitness, relayWitness, type Witness } from './witness.js';

export interface RunOptions {
  readonly scenario: Scenario;
  readonly server: ServerPeer;
  readonly client: ClientPeer;
  /** Times faster than real life; never faster than the scenario can be. Default: as fast as it can be. */
  readonly speed?: number | undefined;
  readonly sabotage?: Sabotage | null;
  /** Where the recording is written: the folder. */
  readonly folder: string;
  /** This process has a network of its own: all ports are free, there may be a link, and the kernel's settings are the lab's. */
  readonly ownNetwork: boolean;
  /** Who watches: a recording of packets, or relays. */
  readonly witness: 'packets' | 'relay';
  /** Takes what is seen as it happens. */
  readonly observe?: Observer;
  readonly tell?: (line: string) => void;
}

export interface ExpectationResult extends Judged {
  readonly words: string;
}

export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly server: ServerPeer;
  readonly client: ClientPeer;
  readonly speed: number;
  readonly passed: boolean;
  readonly expectations: readonly ExpectationResult[];
  /** Expectations that what was seen cannot show, and why. */
  readonly skipped: readonly { readonly words: string; readonly why: string }[];
  readonly evidence: Evidence;
  /** The recording; null when a relay watched. */
  readonly file: string | null;
  readonly recordedBy: string;
  /** Packets that were not recorded. */
  readonly dropped: number;
  readonly tookMs: number;
}

/** Ports in a network of its own, where every port is free. */
const firstPort = 8191;
/** Servers that one scenario starts at the most. */
const portsReserved = 4;

/** Why a scenario cannot be played here at all; null: it can. */
export const cannotBePlayed = (scenario: Scenario, ownNetwork: boolean, witness: RunOptions['witness']): string | null =>
  scenario.link === undefined || scenario.linkIsOptional === true || (ownNetwork && witness === 'packets')
    ? null
    : 'it needs a link, and a link needs a network namespace of its own';

/**
 * Throws when the peers cannot be started, and CaptureError when nothing can be recorded; what the packets show is never thrown.
 * The scenario must be one that can be played here.
 */
export async function runScenario(options: RunOptions): Promise<ScenarioResult> {
  const { scenario, server, client, sabotage = null, ownNetwork, tell = () => {} } = options;
  const startedAt = performance.now();
  const scale = new Scale(speedOf(options));
  if (ownNetwork) setKernel({ ...usualKernel, ...scenario.kernel?.(scale) });
  const hasLink = scenario.link !== undefined && ownNetwork && options.witness === 'packets';
  const link = hasLink ? await openLink(scenario.link!(scale)) : null;
  let stage: Stage | null = null;
  try {
    const ports = ownNetwork ? Array.from({ length: portsReserved }, (_, index) => firstPort + index) : await freePorts();
    const witness = await witnessOf(options, link, ports);
    const ground = groundOf(link, witness, [...ports]);
    stage = new Stage({ scale, ground, serverPeer: server, clientPeer: client, sabotage, tell });
    let seen: Awaited<ReturnType<Witness['stop']>>;
    try {
      await scenario.play(stage);
    } finally {
      await stage.end();
      seen = await witness.stop(stage.counted);
    }
    const judged = judgeAll(
      scenario.expect({ scale, server }),
      witness,
      client.opensAhead === true ? usedOnly(seen.evidence, tell) : seen.evidence,
    );
    return {
      scenario,
      server,
      client,
      speed: scale.speed,
      passed: judged.expectations.every(({ met }) => met),
      ...judged,
      ...seen,
      recordedBy: witness.by,
      tookMs: performance.now() - startedAt,
    };
  } finally {
    await stage?.end();
    await link?.close();
  }
}

function speedOf({ scenario, client, speed }: RunOptions): number {
  const fastest = client.ownProbes === true && scenario.client.needs.includes('probes') ? 1 : scenario.fastest;
  return Math.min(speed ?? fastest, fastest);
}

/** Without the connections that a client has opened ahead and not used. */
function usedOnly(evidence: Evidence, tell: (line: string) => void): Evidence {
  const connections = evidence.connections.filter(({ exchangeCount }) => exchangeCount > 0);
  const ahead = evidence.connections.length - connections.length;
  if (ahead > 0) tell(`connections that the client has opened ahead and not used, and that are not judged: ${ahead}`);
  return { ...evidence, connections };
}

function judgeAll(
  all: readonly Expectation[],
  { reach }: Witness,
  evidence: Evidence,
): Pick<ScenarioResult, 'expectations' | 'skipped'> {
  const expectations: ExpectationResult[] = [];
  const skipped: { words: string; why: string }[] = [];
  for (const { words, rests, judge } of all) {
    const why = reach(rests);
    if (why === null) expectations.push({ words, ...judge(evidence) });
    else skipped.push({ words, why });
  }
  return { expectations, skipped };
}

function witnessOf(
  { scenario, folder, ownNetwork, witness, observe: asked }: RunOptions,
  link: Link | null,
  ports: readonly number[],
): Witness | Promise<Witness> {
  const observe = asked ?? null;
  if (witness === 'relay') return relayWitness(observe);
  const file = join(folder, scenario.name);
  return packetWitness({ link, recordedEnd: scenario.recordedEnd ?? 'client', ports, file, ownNetwork, observe });
}

function groundOf(link: Link | null, witness: Witness, ports: number[]): Ground {
  return {
    ...addressesOf(link),
    open: witness.open,
    nextPort: () => {
      const port = ports.shift();
      if (port === undefined) throw new Error('a scenario has no port left for another server');
      return port;
    },
    link,
  };
}

async function freePorts(): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: portsReserved },
      () =>
        new Promise<ReturnType<typeof createServer>>((done) => {
          const server = createServer().listen(0, '127.0.0.1', () => done(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

/** What scenarios may set, as Linux has it; set before each, so that none depends on the one before. */
const usualKernel: Readonly<Record<string, number>> = { tcp_fin_timeout: 60 };

function setKernel(settings: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(settings)) writeFileSync(`/proc/sys/net/ipv4/${name}`, String(value));
}
