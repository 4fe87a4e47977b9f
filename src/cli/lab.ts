/**
 * `holdfast lab`: lists the scenarios, plays one, plays all. The command line runs again in a network namespace of its own first, so that
 * all ports are free, nothing of the machine is touched, and packets may be captured; where there can be none it plays on.
 */
import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { CaptureError, enterOwnNetwork, inOwnNetwork } from '../capture/index.js';
import {
  clientPeers,
  runScenario,
  type SabotageName,
  type Scenario,
  type ScenarioResult,
  sabotages,
  scenarios,
  serverPeers,
} from '../lab/index.js';
import { escapeName, formatCounted } from '../view/index.js';
import type { Streams } from './command-context.js';
import { CommandFailure, exitCodes } from './failure.js';
import { LiveLadder } from './lab-live.js';
import { outcomeJson, outcomeLines, peersOf } from './lab-outcome.js';
import { terminalStyle } from './terminal-style.js';

export interface LabOptions {
  readonly all?: boolean;
  readonly compare?: boolean;
  readonly speed?: number;
  readonly server?: string;
  readonly client?: string;
  readonly out?: string;
  readonly write?: string;
  readonly html?: string;
  readonly json?: boolean;
  readonly sabotage?: string;
  readonly columns?: number;
  readonly ascii?: boolean;
}

/** Runs the command and gives the exit code. */
export async function runLab(name: string | undefined, options: LabOptions, streams: Streams): Promise<number> {
  if (name === undefined && options.all !== true) return listScenarios(options, streams);
  const scenario = name === undefined ? null : scenarioOf(name);
  if (scenario !== null && options.all === true) throw new CommandFailure('bad-usage', 'choose one of a scenario and --all');
  const elsewhere = await toOwnNetwork();
  if (elsewhere !== null) return elsewhere;
  return scenario === null ? playAll(options, streams) : playOne(scenario, options, streams);
}

/** Null: go on here. */
async function toOwnNetwork(): Promise<number | null> {
  try {
    return await enterOwnNetwork();
  } catch (error) {
    if (error instanceof CaptureError) return null;
    throw error;
  }
}

function scenarioOf(name: string): Scenario {
  const found = scenarios.find((one) => one.name === name);
  if (found === undefined)
    throw new CommandFailure('bad-usage', `there is no scenario ${escapeName(name)}; holdfast lab lists them`);
  return found;
}

function listScenarios({ json, ...options }: LabOptions, { output, screen, environment }: Streams): number {
  if (json === true) {
    output.line(
      JSON.stringify(
        scenarios.map(({ name, line, story, fastest }) => ({ name, line, story, fastest })),
        null,
        2,
      ),
    );
    return exitCodes.fine;
  }
  const { palette, width } = terminalStyle(options, screen, environment);
  const longest = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, line } of scenarios) {
    const room = Math.max(40, width - longest - 2);
    output.line(`${palette.strong(name.padEnd(longest))}  ${line.length > room ? `${line.slice(0, room - 1)}…` : line}`);
  }
  output.line('');
  output.line(palette.faint('holdfast lab NAME plays one, holdfast lab --all all of them.'));
  return exitCodes.fine;
}

async function peersFor({ server, client }: Scenario, options: LabOptions): Promise<Pick<ScenarioResult, 'server' | 'client'>> {
  const serverPeer = peerOf('server', serverPeers, options.server ?? server.usual, server.needs);
  const clientPeer = peerOf('client', clientPeers, options.client ?? client.usual, client.needs);
  for (const peer of [serverPeer, clientPeer]) {
    if ((await peer.version()) === null)
      throw new CommandFailure('bad-usage', `${peer.title} is not installed; to get it: ${peer.howToGet}`);
  }
  return { server: serverPeer, client: clientPeer };
}

function peerOf<Peer extends { readonly name: string; readonly title: string; readonly abilities: readonly string[] }>(
  part: string,
  peers: readonly Peer[],
  name: string,
  needs: readonly string[],
): Peer {
  const found = peers.find((one) => one.name === name);
  const names = peers.map((one) => one.name).join(', ');
  if (found === undefined) throw new CommandFailure('bad-usage', `there is no ${part} ${escapeName(name)}; there are ${names}`);
  const lacking = needs.filter((need) => !found.abilities.includes(need));
  if (lacking.length > 0) {
    const able = peers.filter(({ abilities }) => needs.every((need) => abilities.includes(need))).map((one) => one.name);
    throw new CommandFailure(
      'bad-usage',
      `${found.title} cannot play the ${part} here (it takes: ${lacking.join(', ')}); ${able.join(', ')} can`,
    );
  }
  return found;
}

function sabotageOf(name: string | undefined): (typeof sabotages)[SabotageName] | null {
  if (name === undefined) return null;
  const found = Object.hasOwn(sabotages, name) ? sabotages[name as SabotageName] : undefined;
  if (found === undefined)
    throw new CommandFailure(
      'bad-usage',
      `there is no sabotage ${escapeName(name)}; there is ${Object.keys(sabotages).join(', ')}`,
    );
  return found;
}

interface Playing {
  readonly folder: string;
  readonly watch?: (chunk: Uint8Array) => void;
  readonly tell?: (line: string) => void;
}

async function play(scenario: Scenario, options: LabOptions, { folder, watch, tell }: Playing): Promise<ScenarioResult> {
  return runScenario({
    scenario,
    ...(await peersFor(scenario, options)),
    sabotage: sabotageOf(options.sabotage),
    folder,
    ownNetwork: inOwnNetwork(),
    ...(options.speed === undefined ? {} : { speed: options.speed }),
    ...(watch === undefined ? {} : { watch }),
    ...(tell === undefined ? {} : { tell }),
  });
}

async function playOne(scenario: Scenario, options: LabOptions, streams: Streams): Promise<number> {
  const { output, screen, environment, messages } = streams;
  const style = terminalStyle(options, screen, environment);
  const { palette } = style;
  if (options.json !== true) {
    output.line(palette.strong(`${scenario.name}: ${scenario.line}`));
    output.line(palette.faint(scenario.story));
    output.line('');
    await output.flush();
  }
  const write = (line: string): void => {
    output.line(line);
    void output.flush();
  };
  const ladder = options.json === true ? null : new LiveLadder(style, write);
  const result = await play(scenario, options, {
    folder: options.out ?? '.',
    ...(ladder === null ? {} : { watch: ladder.push }),
    tell: (line) =>
      options.json === true
        ? messages.write(`${escapeName(line)}\n`)
        : write(palette.notable(`${' '.repeat(18)}${escapeName(line)}`)),
  });
  ladder?.end();
  const file = await nameFile(result.file, options.write);
  if (options.json === true) output.line(JSON.stringify(outcomeJson({ ...result, file }), null, 2));
  else {
    for (const line of outcomeLines(result, style)) output.line(line);
    output.line(
      palette.faint(`${peersOf(result)}, ${result.speed} times faster than in real life. Packets: ${escapeName(file)}`),
    );
  }
  return result.passed ? exitCodes.fine : exitCodes.findings;
}

async function nameFile(file: string, wanted: string | undefined): Promise<string> {
  if (wanted === undefined) return file;
  await rename(file, wanted);
  return wanted;
}

async function playAll(options: LabOptions, { output, screen, environment }: Streams): Promise<number> {
  const style = terminalStyle(options, screen, environment);
  const { palette } = style;
  const folder = options.out ?? (await mkdtemp(join(tmpdir(), 'holdfast-lab-')));
  const results: ScenarioResult[] = [];
  const longest = Math.max(...scenarios.map(({ name }) => name.length));
  try {
    for (const scenario of scenarios) {
      const result = await play(scenario, options, { folder });
      results.push(result);
      if (options.json === true) continue;
      const met = result.expectations.filter((one) => one.met).length;
      const says = result.passed ? palette.good('passed') : palette.bad('FAILED');
      const facts = `${met}/${result.expectations.length} expectations, ${(result.tookMs / 1000).toFixed(1)} s`;
      output.line(`${scenario.name.padEnd(longest)}  ${says}  ${palette.faint(`${facts}, ${peersOf(result)}`)}`);
      for (const { met: isMet, words, showed } of result.expectations)
        if (!isMet) output.line(palette.bad(`${' '.repeat(longest + 2)}not met: ${words}: ${showed}`));
      await output.flush();
    }
  } finally {
    if (options.out === undefined) await rm(folder, { recursive: true, force: true });
  }
  const failed = results.filter(({ passed }) => !passed);
  if (options.json === true) {
    const list = results.map((result) => outcomeJson({ ...result, file: basename(result.file) }));
    output.line(JSON.stringify({ schema: 'holdfast.lab.v1', passed: failed.length === 0, scenarios: list }, null, 2));
  } else {
    const told = formatCounted(results.length, 'scenario');
    output.line(`\n${failed.length === 0 ? palette.good(`${told} passed`) : palette.bad(`${failed.length} of ${told} failed`)}`);
  }
  return failed.length === 0 ? exitCodes.fine : exitCodes.findings;
}
