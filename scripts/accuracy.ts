/**
 * How often the diagnosis is right: makes a mixed capture of more than two thousand connections on real TCP, in which known faults
 * happen among healthy traffic, writes down what was done to which connection, explains the capture and compares. The table goes to
 * docs/accuracy.md. Then it records the same traffic badly, by dropping, doubling and cutting packets, and looks whether anything is made up.
 *
 * Needs root (a network namespace of its own, a link to another, tcpdump), nginx, apache2, haproxy, go, nft and python3. Takes four minutes.
 *
 *     npm run accuracy
 *     npm run accuracy -- --again FOLDER [--seed N] [--draw COUNT]
 *
 * explains the recording in FOLDER once more. With bad recordings of one's own choice the page is not written.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import * as closing from './accuracy/closing-faults.js';
import * as furtherClosing from './accuracy/further-closing.js';
import * as furtherPools from './accuracy/further-pools.js';
import { keptConnections, startHealthyServers } from './accuracy/healthy.js';
import * as shapes from './accuracy/http-shapes.js';
import * as kernel from './accuracy/kernel-faults.js';
import { drawnManners, mangled, manners } from './accuracy/mangle.js';
import { everythingLost, forgedResets, linkPorts } from './accuracy/network-faults.js';
import { endOddServers } from './accuracy/odd-server.js';
import * as pools from './accuracy/pool-faults.js';
import * as proxies from './accuracy/proxies.js';
import { type BadlyRecorded, type Report, score, scoreBadRecording } from './accuracy/score.js';
import { accuracyTable } from './accuracy/table.js';
import { type Fault, Truth } from './accuracy/truth.js';
import { pause } from './recording/clients.js';
import * as peers from './recording/peers.js';
import { endActors } from './rule-captures/actors.js';

const tablePath = 'docs/accuracy.md';
/** One scenario begins this long after the other. */
const entranceMs = 350;
/** Stops a run that hangs. */
const mostMs = 220_000;
const lossyPorts = [8441, 8442, 8444] as const;
const goLinkPorts = [8130, 8231, 8232] as const;

/** The bad recordings of the page that are drawn. */
const page = { seed: 1, draw: 24 } as const;

const { values } = parseArgs({
  options: {
    again: { type: 'string' },
    here: { type: 'string' },
    seed: { type: 'string' },
    draw: { type: 'string' },
  },
});

const unfinished = new Set<number>();
/** The running tcpdump, to be ended whatever happens. */
const recorders: ChildProcess[] = [];

interface Written {
  readonly faults: readonly Fault[];
  readonly nearMisses: readonly (readonly [string, number])[];
  readonly seconds: number;
}

const encryptedLinkPort = 8160;

const allScenarios: readonly closing.Scenario[] = [
  closing.staleReuseOverLink(8141, 2000),
  closing.staleReuseOverLink(8142, 1000),
  closing.staleReuseOverLink(encryptedLinkPort, 1500, true),
  closing.staleReuseBusyServer(8143, 60),
  closing.staleReuseBusyServer(8144, 120),
  closing.reuseAfterFin(8145, 'nginx'),
  closing.reuseAfterFin(8146, 'Go'),
  closing.responseCut,
  closing.responseLostToReset,
  closing.serverDied(8147, 'Node', 'SIGKILL'),
  closing.serverDied(8148, 'Go', 'SIGTERM'),
  closing.serverDied(8149, 'Node', 'SIGTERM'),
  closing.refusedPort,
  closing.closedWithoutAnswer,
  closing.maxRequests,
  closing.hints,
  closing.pipelines,
  closing.halfOpen,
  closing.cutWhileWaiting,
  closing.unusedConnections,
  closing.deployBurst,
  closing.requestsAfterClose,
  closing.ageLimit,
  pools.churn,
  pools.tinyPool,
  pools.unreadBody,
  pools.leak,
  pools.hiddenRetry,
  pools.slowServer,
  pools.slowClient,
  pools.clientGaveUp,
  pools.framing,
  pools.nagle,
  pools.timeoutOrder,
  pools.handshakeCost,
  furtherClosing.crossings(8401, 'FIN'),
  furtherClosing.crossings(8402, 'reset'),
  furtherClosing.knowinglyLate,
  furtherClosing.noAnswerButAClose,
  furtherClosing.died(8410, 'HAProxy'),
  furtherClosing.died(8411, 'nginx'),
  furtherClosing.died(8412, 'Apache'),
  furtherClosing.brokenAnswers,
  furtherClosing.earlyAnswers,
  furtherClosing.moreHints,
  furtherClosing.countedAndAged,
  furtherClosing.moreTails,
  furtherClosing.halfCloses,
  furtherClosing.moreCuts,
  furtherClosing.moreUnused,
  furtherClosing.moreDeploys,
  furtherClosing.afterTheLast,
  furtherClosing.leavers,
  furtherPools.moreChurn,
  furtherPools.morePools,
  furtherPools.moreUnread,
  furtherPools.moreLeaks,
  furtherPools.proxyRetries,
  furtherPools.moreSlow,
  furtherPools.moreNagle,
  furtherPools.moreFraming,
  furtherPools.moreTimeouts,
  furtherPools.pinned,
  keptConnections(1400),
  shapes.expectations,
  shapes.bodiless,
  shapes.tunnels,
  shapes.halves,
  shapes.meantToWait,
  shapes.cancelled,
  shapes.oldClients,
  shapes.chunkedUploads,
  kernel.openings,
  kernel.portsAgain,
  kernel.closedWindows,
  kernel.encrypted,
  kernel.slowStarts,
  proxies.impatientProxies,
  proxies.impatientServers,
  proxies.carefulStops,
];

/** `ACCURACY_FROM`, `ACCURACY_TO`: places in the list, for trying a few. */
const scenarios = allScenarios.slice(
  Number(process.env.ACCURACY_FROM ?? 0),
  Number(process.env.ACCURACY_TO ?? allScenarios.length),
);

/** All servers stand before the first packet is recorded; nobody looks at them from then on but the scenarios. */
async function make(folder: string): Promise<void> {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  peers.buildGoPeers();
  const link = await peers.startLink(20);
  await link.startNodeBehind(8141, 1000);
  await link.startGoBehind(8142, 1000);
  const { certificate, key } = peers.makeCertificate();
  await link.startGoBehind(encryptedLinkPort, 1500, [certificate, key]);
  for (const port of goLinkPorts) await link.startGoBehind(port, 60_000);
  for (const port of Object.values(linkPorts)) await link.startNodeBehind(port, 60_000);
  // BBR, which some machines are set to, does not start again after a pause.
  await link.set('net.ipv4.tcp_congestion_control', 'reno');
  await link.set('net.ipv4.tcp_slow_start_after_idle', '1');
  for (const port of Object.values(kernel.bigPorts)) await link.startGoBehind(port, 60_000);
  await link.startScriptBehind(8401, 'accuracy/odd-server.js', 1000, 'fin');
  await link.startScriptBehind(8402, 'accuracy/odd-server.js', 1000, 'rst');
  for (const port of lossyPorts) await link.startGoBehind(port, 60_000);
  await peers.startNginx(8145, 'keepalive_timeout 1s;');
  await peers.startGo(8146, 1000);
  await startHealthyServers();

  const truth = new Truth();
  let waiting = 0;
  let open: () => void = () => {};
  const curtain = new Promise<void>((done) => {
    open = done;
  });
  const ready = async (): Promise<void> => {
    const place = waiting;
    waiting += 1;
    await curtain;
    // Not all at once: the machine's load must not be what is measured.
    await pause(place * entranceMs);
  };
  const playing = Promise.all(
    scenarios.map(async (scenario, index) => {
      await scenario(truth, ready);
      unfinished.delete(index);
    }),
  );
  await Promise.race([playing, until(() => waiting === scenarios.length)]);
  await pause(300);

  const capture = await startCapture(`${folder}/mixed.pcap`);
  const startedAt = Date.now();
  open();
  await playing;
  const now = (): Promise<void> => Promise.resolve();
  if (process.env.ACCURACY_TO === undefined) {
    await kernel.boxes(link)(truth, now);
    await forgedResets(link)(truth, now);
    await furtherPools.lossyLink(link, lossyPorts)(truth, now);
    await everythingLost(link)(truth, now);
  }
  await capture.stop();
  const written: Written = {
    faults: truth.faults,
    nearMisses: [...truth.nearMisses],
    seconds: Math.round((Date.now() - startedAt) / 1000),
  };
  writeFileSync(`${folder}/truth.json`, JSON.stringify(written, null, 1));
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(50);
}

async function startCapture(path: string): Promise<{ stop(): Promise<void> }> {
  // Both the loopback device and the link; 64 MB of room. Not what HAProxy says to the server behind it.
  const capture: ChildProcess = spawn(
    'tcpdump',
    ['-i', 'any', '-s', '0', '-n', '-B', '65536', '-Z', 'root', '-w', path, 'tcp and not port 8121'],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  recorders.push(capture);
  let said = '';
  capture.stderr!.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  while (!said.includes('listening on')) {
    if (capture.exitCode !== null) throw new Error(`the capture did not start: ${said}`);
    await pause(20);
  }
  return {
    stop: async () => {
      await pause(1500);
      const exited = once(capture, 'exit');
      capture.kill('SIGINT');
      await exited;
      if (/[1-9]\d* packets? dropped by kernel/.test(said)) throw new Error(`packets were lost: ${said}`);
    },
  };
}

function explain(capture: string): Report {
  const output = `${capture}.json`;
  const file = openSync(output, 'w');
  const { status } = spawnSync(process.execPath, ['bin/holdfast.js', 'explain', capture, '--json'], {
    stdio: ['ignore', file, 'inherit'],
  });
  closeSync(file);
  if (status !== 0) throw new Error(`explain ended with ${status}`);
  return JSON.parse(readFileSync(output, 'utf8')) as Report;
}

function compare(folder: string): void {
  const capture = `${folder}/mixed.pcap`;
  const report = explain(capture);
  const { faults, nearMisses, seconds } = JSON.parse(readFileSync(`${folder}/truth.json`, 'utf8')) as Written;
  const scores = score(faults, report);
  const bytes = readFileSync(capture);
  const drawn = drawnManners(Number(values.draw ?? page.draw), Number(values.seed ?? page.seed));
  const badRecordings = [...manners, ...drawn].map((manner): [string, BadlyRecorded] => {
    const worse = `${folder}/mangled.pcap`;
    writeFileSync(worse, mangled(bytes, manner));
    return [manner.name, scoreBadRecording(faults, explain(worse))];
  });
  const table = accuracyTable(scores, badRecordings, {
    connections: report.totals.connections,
    requests: report.totals.requests,
    packets: report.source.packets,
    bytes: bytes.length,
    seconds,
    nearMisses,
  });
  if (values.seed === undefined && values.draw === undefined) writeFileSync(tablePath, table);
  console.log(table);
  for (const { rule, missed, wrong } of scores) {
    for (const text of missed.slice(0, 12)) console.log(`missed ${rule}: ${text}`);
    for (const text of wrong.slice(0, 12)) console.log(`wrong  ${rule}: ${text}`);
  }
  for (const [name, { wronglyBad, wrongOthers }] of badRecordings) {
    for (const text of wronglyBad) console.log(`wrong and bad, ${name}: ${text}`);
    for (const text of wrongOthers) console.log(`wrong, ${name}: ${text}`);
  }
}

if (values.again !== undefined) compare(values.again);
else if (values.here !== undefined) {
  try {
    for (const index of scenarios.keys()) unfinished.add(index);
    await Promise.race([
      make(values.here),
      pause(mostMs).then(() => {
        throw new Error(`not done in time: scenarios ${[...unfinished].join(', ')}`);
      }),
    ]);
  } finally {
    for (const recorder of recorders) recorder.kill('SIGINT');
    await endActors();
    await endOddServers();
    await peers.endAll();
  }
  // Connections that were left open on purpose.
  process.exit(0);
} else {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-accuracy-'));
  execFileSync('unshare', ['-n', process.execPath, process.argv[1]!, '--here', folder], { stdio: 'inherit' });
  compare(folder);
  console.log(`recording, truth and report: ${folder}`);
}
