/**
 * `holdfast lab`: lists the scenarios, plays one. The command line runs again in a network namespace of its own first, so that all ports are
 * free, nothing of the machine is touched, there can be a link, and packets may be recorded without rights. Where there can be no such
 * namespace the machine's loopback is recorded, and where that is not allowed either a relay watches.
 */
import { mkdir, rename } from 'node:fs/promises';
import { Writable } from 'node:stream';
import { CaptureError, enterOwnNetwork, inOwnNetwork, openPacketSource } from '../capture/index.js';
import {
  cannotBePlayed,
  clientPeers,
  PeerFailure,
  type RunOptions,
  runScenario,
  type SabotageName,
  type Scenario,
  type ScenarioResult,
  sabotages,
  scenarios,
  serverPeers,
} from '../lab/index.js';
import { escapeName, wrapWords } from '../view/index.js';
import type { Streams } from './command-context.js';
import { explain } from './explain.js';
import { CommandFailure, exitCodes } from './failure.js';
import { LiveLadder } from './lab-live.js';
import { outcomeJson, outcomeLines, peersOf, type SkippedJson } from './lab-outcome.js';
import { Output } from './output.js';
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
  readonly relay?: boolean;
  readonly jobs?: number;
  readonly sabotage?: string;
  readonly columns?: number;
  readonly ascii?: boolean;
}

/** Runs the command and gives the exit code. */
export async function runLab(name: string | undefined, options: LabOptions, streams: Streams): Promise<number> {
  if (name !== undefined && options.all === true) throw new CommandFailure('bad-usage', 'choose one of a scenario and --all');
  if ((options.all === true || options.compare === true) && (options.write !== undefined || options.html !== undefined))
    throw new CommandFailure('bad-usage', '--write and --html are for one scenario; --out names a folder for many');
  const scenario = name === undefined ? null : scenarioOf(name);
  if (options.compare === true) {
    const { compareServers } = await import('./lab-compare.js');
    return compareServers(scenario, options, streams);
  }
  if (options.all === true) {
    const { playAll } = await import('./lab-all.js');
    return playAll(options, streams);
  }
  if (scenario === null) return listScenarios(options, streams);
  // What can be wrong with the command is said before it runs again.
  const peers = peersFor(scenario, options);
  const sabotage = sabotageOf(options.sabotage);
  const elsewhere = options.relay === true ? null : await toOwnNetwork();
  if (elsewhere !== null) return elsewhere;
  return playOne({ scenario, ...peers, sabotage, ...(await standing(options)) }, options, streams);
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

/** What may be done here. */
async function standing({ relay }: LabOptions): Promise<Pick<RunOptions, 'ownNetwork' | 'witness'>> {
  if (relay === true) return { ownNetwork: false, witness: 'relay' };
  const ownNetwork = inOwnNetwork();
  try {
    await (await openPacketSource({ interface: 'lo' })).stop();
    return { ownNetwork, witness: 'packets' };
  } catch (error) {
    if (!(error instanceof CaptureError)) throw error;
    return { ownNetwork, witness: 'relay' };
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
    const list = scenarios.map(({ name, line, story, fastest }) => ({ name, line, story, fastest }));
    output.line(JSON.stringify(list, null, 2));
    return exitCodes.fine;
  }
  const { palette, width, unicode } = terminalStyle(options, screen, environment);
  const longest = Math.max(...scenarios.map(({ name }) => name.length));
  const room = Math.max(40, width - longest - 2);
  for (const { name, line } of scenarios) {
    // What goes to a file or a pipe is not cut.
    const shown = screen.isTTY === true && line.length > room ? `${line.slice(0, room - 2)}${unicode ? '…' : '..'}` : line;
    output.line(`${palette.strong(name.padEnd(longest))}  ${shown}`);
  }
  output.line('');
  output.line(palette.faint('holdfast lab NAME plays one, holdfast lab --all all of them.'));
  return exitCodes.fine;
}

/** Who plays. Throws CommandFailure when somebody cannot. */
function peersFor({ server, client }: Scenario, options: LabOptions): Pick<RunOptions, 'server' | 'client'> {
  return {
    server: peerOf('server', serverPeers, options.server ?? server.usual, server.needs),
    client: peerOf('client', clientPeers, options.client ?? client.usual, client.needs),
  };
}

interface AnyPeer {
  readonly name: string;
  readonly title: string;
  readonly abilities: readonly string[];
}

function peerOf<Peer extends AnyPeer>(part: string, peers: readonly Peer[], name: string, needs: readonly string[]): Peer {
  const found = peers.find((one) => one.name === name);
  const names = peers.map((one) => one.name).join(', ');
  if (found === undefined) throw new CommandFailure('bad-usage', `there is no ${part} ${escapeName(name)}; there are ${names}`);
  const lacking = needs.filter((need) => !found.abilities.includes(need));
  if (lacking.length > 0) {
    const able = peers.filter(({ abilities }) => needs.every((need) => abilities.includes(need))).map((one) => one.name);
    throw new CommandFailure(
      'bad-usage',
      `${found.title} cannot be the ${part} here, it lacks: ${lacking.join(', ')}; ${able.join(', ')} can`,
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

type Play = Pick<RunOptions, 'scenario' | 'server' | 'client' | 'sabotage' | 'ownNetwork' | 'witness'>;

/** Why it cannot be played here; null: it can. */
async function hindrance({ scenario, server, client, ownNetwork, witness }: Play): Promise<string | null> {
  for (const peer of [server, client])
    if ((await peer.version()) === null) return `${peer.title} is not installed; to get it: ${peer.howToGet}`;
  return cannotBePlayed(scenario, ownNetwork, witness);
}

async function playOne(play: Play, options: LabOptions, streams: Streams): Promise<number> {
  const { output } = streams;
  const { scenario } = play;
  const why = await hindrance(play);
  if (why !== null) {
    if (options.json !== true) throw new CommandFailure('not-possible', `${scenario.name} cannot be played here: ${why}`);
    output.line(JSON.stringify({ scenario: scenario.name, passed: null, why } satisfies SkippedJson, null, 2));
    return exitCodes.failed;
  }
  const { out } = options;
  if (out !== undefined) await orUnwritable(out, () => mkdir(out, { recursive: true }));
  const perform = options.json === true ? playForProgram : playForPeople;
  try {
    const { passed } = await perform(play, options, streams);
    return passed ? exitCodes.fine : exitCodes.findings;
  } catch (error) {
    if (!(error instanceof PeerFailure)) throw error;
    throw new CommandFailure('not-possible', `${scenario.name} could not be played: ${error.message}`, { cause: error });
  }
}

const settingsOf = (play: Play, { speed, out }: LabOptions) => ({ ...play, speed, folder: out ?? '.' });

async function playForProgram(play: Play, options: LabOptions, streams: Streams): Promise<ScenarioResult> {
  const tell = (line: string): unknown => streams.messages.write(`${escapeName(line)}\n`);
  const result = await withFiles(await runScenario({ ...settingsOf(play, options), tell }), options, streams);
  streams.output.line(JSON.stringify(outcomeJson(result), null, 2));
  return result;
}

async function playForPeople(play: Play, options: LabOptions, streams: Streams): Promise<ScenarioResult> {
  const { output, screen, environment } = streams;
  const style = terminalStyle(options, screen, environment);
  const { palette } = style;
  const write = (line: string): void => {
    output.line(line);
    void output.flush();
  };
  write(palette.strong(`${play.scenario.name}: ${play.scenario.line}`));
  for (const line of wrapWords(play.scenario.story, style.width)) write(palette.faint(line));
  write('');
  const ladder = new LiveLadder(style, write);
  const tell = (line: string): void => write(palette.notable(ladder.beside(escapeName(line))));
  const played = await runScenario({ ...settingsOf(play, options), observe: ladder.observe, tell });
  ladder.end();
  const result = await withFiles(played, options, streams);
  for (const line of outcomeLines(result, style)) output.line(line);
  const pace = result.speed === 1 ? 'in real time' : `${result.speed} times faster than in real life`;
  const packets = result.file === null ? '' : ` Packets: ${escapeName(result.file)}`;
  output.line(palette.faint(`${peersOf(result)}, ${pace}.${packets}`));
  return result;
}

async function orUnwritable(path: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    throw new CommandFailure('output-failed', `cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** Gives the recording the name that was asked for, and writes the page. */
async function withFiles(result: ScenarioResult, { write, html }: LabOptions, streams: Streams): Promise<ScenarioResult> {
  if (result.file === null) {
    if (write !== undefined || html !== undefined)
      streams.messages.write('holdfast: a relay records no packets, so no file is written\n');
    return result;
  }
  const file = write ?? result.file;
  if (write !== undefined) await orUnwritable(write, () => rename(result.file!, write));
  if (html !== undefined) {
    // What explain prints is not wanted here.
    const nowhere = new Output(new Writable({ write: (_chunk, _encoding, done) => done() }));
    await explain([file], { html }, { ...streams, output: nowhere });
  }
  return { ...result, file };
}
