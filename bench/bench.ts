/**
 * `npm run bench`: explain beside the tools people use today, on the same captures, in one run.
 *
 *     npm run bench [-- --packets 1000000 --fat-packets 300000 --long-factor 10 --repeats 3 --folder /tmp]
 *
 * The captures are synthesised (see traffic.ts) into a temporary folder that is removed again. The tools take turns, so that a
 * slow minute of the machine hits all of them; the figure is the median. Output goes to /dev/null, files that a tool writes go
 * to the temporary folder. Memory is the peak resident set of the whole process as the kernel counts it (GNU time).
 * A tool that is not installed is named and left out.
 *
 * What the rules cost is measured on the chain of explain without its printing (explain-chain.ts), with and without them in turns.
 *
 * The long capture is never a file: it is made while `explain -` reads it, so its time says nothing, only its memory does.
 */

import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const gnuTime = '/usr/bin/time';
const holdfast = [process.execPath, resolve('bin/holdfast.js')];
const maker = [process.execPath, resolve('.test-out/bench/make-capture.js')];
const memoryLimitMb = 200;
const tsharkFactor = 40;
const mostRulesCost = 0.15;

interface Tool {
  readonly name: string;
  readonly command: (file: string, folder: string) => readonly string[];
}

const tools: readonly Tool[] = [
  { name: 'holdfast', command: (file) => [...holdfast, 'explain', file] },
  { name: 'tcptrace', command: (file) => ['tcptrace', '-n', file] },
  { name: 'tcpflow', command: (file, folder) => ['tcpflow', '-q', '-r', file, '-o', folder] },
  { name: 'tshark', command: (file) => ['tshark', '-n', '-r', file, '-T', 'fields', '-e', 'http.time'] },
];

interface Measure {
  readonly seconds: number;
  /** Null without GNU time. */
  readonly peakMb: number | null;
}

interface Capture {
  readonly kind: string;
  readonly file: string;
  readonly packets: number;
  readonly bytes: number;
  readonly connections: number;
}

const { values } = parseArgs({
  options: {
    packets: { type: 'string', default: '1000000' },
    'fat-packets': { type: 'string', default: '300000' },
    'long-factor': { type: 'string', default: '10' },
    repeats: { type: 'string', default: '3' },
    folder: { type: 'string', default: tmpdir() },
  },
});

async function main(): Promise<void> {
  const folder = mkdtempSync(join(values.folder, 'holdfast-bench-'));
  try {
    console.log(`${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`);
    const present = tools.filter(isPresent);
    const mixed = makeCapture('mixed', values.packets, folder);
    const medians = sideBySide(mixed, present, folder);
    const rulesCost = costOfRules(mixed, folder);
    rmSync(mixed.file);
    const fat = makeCapture('fat', values['fat-packets'], folder);
    sideBySide(fat, present, folder);
    rmSync(fat.file);
    const longPeakMb = await longCapture(Number(values.packets) * Number(values['long-factor']), folder);
    judge(medians, longPeakMb, rulesCost);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isPresent({ name, command }: Tool): boolean {
  const program = command('', '')[0]!;
  const present = existsSync(program) || spawnSync('which', [program]).status === 0;
  if (!present) console.log(`left out: ${name} is not installed`);
  return present;
}

function makeCapture(kind: string, packets: string, folder: string): Capture {
  const file = join(folder, `${kind}.pcap`);
  const { stderr, status } = spawnSync(maker[0]!, [...maker.slice(1), '--kind', kind, '--packets', packets, '-o', file], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the ${kind} capture could not be made: ${stderr}`);
  return { ...JSON.parse(stderr), file };
}

/** Every tool on one capture, in turns; the medians by name. */
function sideBySide(capture: Capture, present: readonly Tool[], folder: string): Map<string, Measure> {
  console.log(
    `\n${capture.kind}: ${capture.packets} packets, ${Math.round(capture.bytes / 1e6)} MB, ${capture.connections} connections`,
  );
  // Into the page cache first, so that nobody pays for the disk.
  readThrough(capture.file);
  const measures = new Map<string, Measure[]>(present.map(({ name }) => [name, []]));
  for (let turn = 0; turn < Number(values.repeats); turn += 1) {
    for (const { name, command } of present) measures.get(name)!.push(run(command(capture.file, join(folder, 'out')), folder));
  }
  const medians = new Map([...measures].map(([name, runs]) => [name, median(runs)]));
  const ours = medians.get('holdfast')!.seconds;
  for (const { name, command } of present) {
    const { seconds, peakMb } = medians.get(name)!;
    const rate = Math.round(capture.packets / seconds).toLocaleString('en');
    const line = [
      name.padEnd(9),
      `${seconds.toFixed(2)} s`.padStart(9),
      `${rate} packets/s`.padStart(20),
      `holdfast is ${(seconds / ours).toFixed(2)} × as fast`,
    ];
    const shown = command(`${capture.kind}.pcap`, 'out').map((part) =>
      part.replace(process.execPath, 'node').replace(resolve('.'), '.'),
    );
    console.log(`  ${line.join('  ')}  peak ${peakMb === null ? '?' : Math.round(peakMb)} MB   ${shown.join(' ')}`);
  }
  return medians;
}

function readThrough(file: string): void {
  spawnSync('cat', [file], { stdio: ['ignore', 'ignore', 'ignore'] });
}

function run(command: readonly string[], folder: string): Measure {
  const out = join(folder, 'out');
  mkdirSync(out);
  const timed = timedCommand(command, folder);
  const from = process.hrtime.bigint();
  const { status, stderr } = spawnSync(timed[0]!, timed.slice(1), { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
  const seconds = Number(process.hrtime.bigint() - from) / 1e9;
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}: ${stderr.slice(-500)}`);
  rmSync(out, { recursive: true });
  return { seconds, peakMb: peakOf(folder) };
}

const timedCommand = (command: readonly string[], folder: string): readonly string[] =>
  existsSync(gnuTime) ? [gnuTime, '-f', '%M', '-o', join(folder, 'peak'), ...command] : command;

/** In megabytes; GNU time says kilobytes. */
const peakOf = (folder: string): number | null =>
  existsSync(gnuTime) ? Number(readFileSync(join(folder, 'peak'), 'utf8').trim().split('\n').at(-1)) / 1024 : null;

function median(runs: readonly Measure[]): Measure {
  const sorted = [...runs].sort((a, b) => a.seconds - b.seconds);
  const { seconds } = sorted[Math.floor(sorted.length / 2)]!;
  const peaks = runs.map(({ peakMb }) => peakMb);
  return { seconds, peakMb: peaks.includes(null) ? null : Math.max(...(peaks as number[])) };
}

/** How much longer the chain takes with the rules than without them, as a share; in turns, medians. */
function costOfRules(capture: Capture, folder: string): number {
  const chain = [process.execPath, resolve('.test-out/bench/explain-chain.js'), capture.file];
  const [without, withRules]: [Measure[], Measure[]] = [[], []];
  for (let turn = 0; turn < 2 * Number(values.repeats) + 1; turn += 1) {
    without.push(run(chain, folder));
    withRules.push(run([...chain, '--rules'], folder));
  }
  const [base, whole] = [median(without).seconds, median(withRules).seconds];
  const cost = whole / base - 1;
  const inPercent = (share: number): string => (100 * share).toFixed(0);
  // How much of it is the machine's mood.
  const ofTurns = without.map(({ seconds }, turn) => withRules[turn]!.seconds / seconds - 1).sort((a, b) => a - b);
  const quartile = (n: number): string => inPercent(ofTurns[Math.floor((n / 4) * (ofTurns.length - 1))]!);
  console.log(
    `  rules     ${base.toFixed(2)} s without them, ${whole.toFixed(2)} s with them: ${inPercent(cost)} % more (in ${ofTurns.length} turns: median ${quartile(2)} %, half of them ${quartile(1)} to ${quartile(3)} %)`,
  );
  return cost;
}

/** Peak memory of explain on a capture that is made while it is read. */
async function longCapture(packets: number, folder: string): Promise<number | null> {
  const making = spawn(maker[0]!, [...maker.slice(1), '--packets', String(packets), '-o', '-'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const command = timedCommand([...holdfast, 'explain', '-'], folder);
  const sink = openSync('/dev/null', 'w');
  const reading = spawn(command[0]!, command.slice(1), { stdio: [making.stdout, sink, sink] });
  making.stdout.destroy();
  let made = '';
  making.stderr.setEncoding('utf8').on('data', (text: string) => {
    made += text;
  });
  const ends = [making, reading].map((child) => new Promise<number | null>((done) => child.once('close', done)));
  const [makerStatus, readerStatus] = await Promise.all(ends);
  closeSync(sink);
  if (makerStatus !== 0 || readerStatus !== 0)
    throw new Error(`the long capture ended with ${makerStatus} and ${readerStatus}: ${made.slice(-500)}`);
  const { bytes, connections } = JSON.parse(made);
  const peakMb = peakOf(folder);
  console.log(`\nlong: ${packets} packets, ${Math.round(bytes / 1e6)} MB, ${connections} connections, from standard input`);
  console.log(`  holdfast  peak ${peakMb === null ? '?' : Math.round(peakMb)} MB`);
  return peakMb;
}

function judge(medians: ReadonlyMap<string, Measure>, longPeakMb: number | null, rulesCost: number): void {
  const ours = medians.get('holdfast')!;
  const goal = (text: string, reached: boolean | null) =>
    console.log(`  ${reached === null ? 'not measured' : reached ? 'reached' : 'NOT reached'}: ${text}`);
  const times = (name: string): number | null => (medians.has(name) ? medians.get(name)!.seconds / ours.seconds : null);
  const tcptrace = times('tcptrace');
  const tshark = times('tshark');
  console.log('\nGoals, on the mixed capture');
  goal('faster than tcptrace, which reads no HTTP', tcptrace === null ? null : tcptrace > 1);
  goal(
    `at least ${tsharkFactor} times as fast as tshark -T fields -e http.time`,
    tshark === null ? null : tshark >= tsharkFactor,
  );
  goal(`rules cost at most ${100 * mostRulesCost} %`, rulesCost <= mostRulesCost);
  goal(`at most ${memoryLimitMb} MB`, ours.peakMb === null ? null : ours.peakMb <= memoryLimitMb);
  goal(
    `at most ${memoryLimitMb} MB when the capture is ${values['long-factor']} times longer`,
    longPeakMb === null ? null : longPeakMb <= memoryLimitMb,
  );
}

await main();
