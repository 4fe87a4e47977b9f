/**
 * Runs one scenario: opens the ground and the recording, lets it be played, and judges what was recorded.
 */

import { writeFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Link, type LinkEnd, linkAddresses, openLink, openPacketSource, type PacketSource } from '../capture/index.js';
import { type Evidence, readEvidence } from './evidence.js';
import type { Expectation, Judged } from './expectation.js';
import type { ClientPeer } from './peers/client-peer.js';
import type { ServerPeer } from './peers/server-peer.js';
import { record } from './recording.js';
import type { Sabotage } from './sabotage.js';
import { Scale } from './scale.js';
import type { Scenario } from './scenario.js';
import { type Ground, Stage } from './stage.js';

export interface RunOptions {
  readonly scenario: Scenario;
  readonly server: ServerPeer;
  readonly client: ClientPeer;
  /** Times faster than real life; never faster than the scenario can be. Default: as fast as it can be. */
  readonly speed?: number;
  readonly sabotage?: Sabotage | null;
  /** Where the recording is written: the folder. */
  readonly folder: string;
  /** This process has a network of its own: all ports are free, and the kernel's settings are the lab's. */
  readonly ownNetwork: boolean;
  readonly watch?: (chunk: Uint8Array) => void;
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
  /** Expectations that what was recorded cannot show, and why. */
  readonly skipped: readonly { readonly words: string; readonly why: string }[];
  readonly evidence: Evidence;
  readonly file: string;
  readonly recordedBy: string;
  /** Packets that were not recorded. */
  readonly dropped: number;
  readonly tookMs: number;
}

/** Ports in a network of its own, where every port is free. */
const firstPort = 8191;
/** Servers that one scenario starts at the most. */
const portsReserved = 4;

/** Throws when the peers cannot be started or nothing can be recorded; what the packets show is never thrown. */
export async function runScenario(options: RunOptions): Promise<ScenarioResult> {
  const { scenario, server, client, sabotage = null, folder, ownNetwork, watch = () => {}, tell = () => {} } = options;
  const startedAt = performance.now();
  const scale = new Scale(Math.min(options.speed ?? scenario.fastest, scenario.fastest));
  if (ownNetwork) setKernel({ ...usualKernel, ...scenario.kernel?.(scale) });
  const link = scenario.link === undefined || !ownNetwork ? null : await openLink(scenario.link(scale));
  const ports = ownNetwork ? Array.from({ length: portsReserved }, (_, index) => firstPort + index) : await freePorts();
  const stage = new Stage({
    scale,
    ground: groundOf(link, [...ports]),
    serverPeer: server,
    clientPeer: client,
    sabotage,
    tell,
  });
  let file = join(folder, `${scenario.name}.pcapng`);
  let container = '';
  try {
    const source = await sourceOf(link, ports, scenario.recordedEnd ?? 'client');
    const recording = await record(source, file, (chunk) => {
      if (container === '') container = Buffer.from(chunk.subarray(0, 4)).toString('hex');
      watch(chunk);
    });
    let facts: Awaited<ReturnType<typeof recording.stop>>;
    try {
      await scenario.play(stage);
    } finally {
      await stage.end();
      facts = await recording.stop();
    }
    if (container !== pcapngMagic) {
      const named = file.replace(/ng$/, '');
      await rename(file, named);
      file = named;
    }
    const evidence = await readEvidence(file, stage.counted);
    const expectations = scenario.expect({ scale, server }).map((expectation) => judge(expectation, evidence));
    return {
      scenario,
      server,
      client,
      speed: scale.speed,
      passed: expectations.every(({ met }) => met),
      expectations,
      skipped: [],
      evidence,
      file,
      recordedBy: recording.by,
      dropped: facts.dropped,
      tookMs: performance.now() - startedAt,
    };
  } finally {
    await stage.end();
    await link?.close();
  }
}

const pcapngMagic = '0a0d0d0a';

const judge = (expectation: Expectation, evidence: Evidence): ExpectationResult => ({
  words: expectation.words,
  ...expectation.judge(evidence),
});

function groundOf(link: Link | null, ports: number[]): Ground {
  return {
    serverAddress: link === null ? '127.0.0.1' : linkAddresses.client,
    clientAddress: link === null ? '127.0.0.1' : linkAddresses.server,
    portSeen: (port) => port,
    nextPort: () => {
      const port = ports.shift();
      if (port === undefined) throw new Error('a scenario has no port left for another server');
      return port;
    },
    link,
  };
}

async function sourceOf(link: Link | null, ports: readonly number[], recordedEnd: LinkEnd): Promise<PacketSource> {
  if (link !== null) return link.record(recordedEnd);
  const filter = `tcp and (${ports.map((port) => `port ${port}`).join(' or ')})`;
  return openPacketSource({ interface: 'lo', filter, whenBehind: 'wait' });
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
