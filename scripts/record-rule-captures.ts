/**
 * Records the captures that the rules are tested with: for each rule real software in the situation that the rule names
 * (`fires`), and in one that resembles it (`near-miss`). What was done and what is expected is told in
 * test/story/rules/capture-manifest.ts; here and in rule-captures/ is how it is made to happen.
 *
 * Needs root, a network namespace of its own and the software that scripts/record-examples.ts needs, and python3.
 * `probes-late` takes six minutes a case.
 *
 *     npm run record-rule-captures [-- part-of-a-name…]
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { record } from './recording/capture.js';
import * as peers from './recording/peers.js';
import { endActors, type Plays } from './rule-captures/actors.js';
import { closing } from './rule-captures/closing.js';
import { network } from './rule-captures/network.js';
import { pools } from './rule-captures/pools.js';
import { waiting } from './rule-captures/waiting.js';

const largestBytes = 40_000;
/** The longest case takes six minutes. */
const mostMs = 400_000;
const plays: Plays = { ...closing, ...network, ...pools, ...waiting };

/** Records one case in this network namespace. */
async function play(name: string): Promise<void> {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  peers.buildGoPeers();
  const folder = `test/story/rules/captures/${name.split('/')[0]}`;
  mkdirSync(folder, { recursive: true });
  const file = `${name.split('/')[1]}.pcap.gz`;
  try {
    await plays[name]!(({ ports, device = 'lo' }, scenario) =>
      // The link's packets are small: with less room for each, more of them find room.
      record(
        { file, folder, mostBytes: largestBytes, ports, device, tcpdumpOptions: device === 'lo' ? [] : ['-s', '2000'] },
        async () => {
          await scenario();
        },
      ),
    );
  } finally {
    await endActors();
    await peers.endAll();
  }
}

/** Each case in a process and a network namespace of its own: sockets that die slowly disturb no other. */
function playAll(wanted: readonly string[]): void {
  for (const name of Object.keys(plays)) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    console.log(name);
    execFileSync('unshare', ['-n', process.execPath, process.argv[1]!, '--here', name], {
      stdio: 'inherit',
      timeout: mostMs,
    });
  }
}

const [first, ...others] = process.argv.slice(2);
if (first === '--here') await play(others[0]!);
else playAll(process.argv.slice(2));
