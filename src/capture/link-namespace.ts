/**
 * A network namespace of its own for this process: addresses and devices in it are seen by nobody else, and end with it.
 *
 * Node has threads from its first moment, and the kernel lets only a process without threads change its user namespace. So the
 * command line is run again beneath unshare(1): as root with `-n`, as anybody else with `-Urn` (where the kernel allows that, it
 * also gives the rights to capture and to make devices in there). The environment carries the mark that it has been done.
 */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { CaptureError } from './capture-error.js';
import { furnishNamespace } from './link-device.js';

/** Holds the namespace that the command was started in. */
const outerNetworkVariable = 'HOLDFAST_OUTER_NETWORK';

const presentNetwork = (): string => readlinkSync('/proc/self/ns/net');

/** Whether this process has been put into a namespace of its own by `enterOwnNetwork`. */
export function inOwnNetwork(): boolean {
  const outer = process.env[outerNetworkVariable];
  return process.platform === 'linux' && outer !== undefined && outer !== presentNetwork();
}

/**
 * To be called before anything else is done. Null: this process is in a namespace of its own, with its loopback up; go on. A number:
 * the whole command line has run again in there, and this was its exit code (128 + n when signal n ended it); say it and leave.
 * Throws CaptureError when there can be no such namespace.
 */
export async function enterOwnNetwork(): Promise<number | null> {
  if (inOwnNetwork()) {
    furnishNamespace();
    return null;
  }
  return runAgain(chooseUnshare());
}

/** How unshare(1) is called here. Throws CaptureError when it cannot be. */
function chooseUnshare(): readonly string[] {
  if (process.platform !== 'linux') {
    throw new CaptureError('not-supported', 'network namespaces need Linux', {
      wayOut: 'Run it in a Linux virtual machine or container.',
    });
  }
  const refusals: string[] = [];
  for (const how of process.geteuid?.() === 0 ? ['-n', '-Urn'] : ['-Urn']) {
    const tried: SpawnSyncReturns<string> = spawnSync('unshare', [how, 'true'], { encoding: 'utf8' });
    if (tried.status === 0) return [how];
    if (tried.error !== undefined && 'code' in tried.error && tried.error.code === 'ENOENT') {
      throw new CaptureError('missing-program', 'unshare, which makes the network namespace, is not installed', {
        wayOut: 'Install util-linux.',
      });
    }
    refusals.push(tried.stderr.trim() || String(tried.error?.message ?? `unshare ended with ${tried.status}`));
  }
  throw new CaptureError('not-permitted', `the kernel gives no network namespace of its own (${refusals.at(-1)})`, {
    wayOut: [
      'sudo holdfast …                                                      as root',
      'sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0           or: on Ubuntu, for every user',
      'sudo sysctl kernel.unprivileged_userns_clone=1                       or: on Debian, for every user',
      'sudo sysctl user.max_user_namespaces=10000                           or: on RHEL and others, for every user',
      'docker run --cap-add SYS_ADMIN --cap-add NET_ADMIN …                 or: in a container',
    ].join('\n'),
  });
}

/** A terminal sends these to both processes by itself. */
const fromTerminal = ['SIGINT', 'SIGQUIT'] as const;
const passedOn = ['SIGTERM', 'SIGHUP', 'SIGUSR2'] as const;

function runAgain(how: readonly string[]): Promise<number> {
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const command = [...how, '--', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const environment = { ...process.env, [outerNetworkVariable]: presentNetwork() };
  return new Promise((resolve, reject) => {
    const passOn = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    const leave = (): void => {};
    for (const signal of passedOn) process.on(signal, passOn);
    for (const signal of fromTerminal) process.on(signal, onTerminal ? leave : passOn);
    // Signals are heard before: one in between would leave it behind.
    const child = spawn('unshare', command, { stdio: 'inherit', env: environment });
    const done = (): void => {
      for (const signal of [...passedOn, ...fromTerminal]) process.off(signal, passOn).off(signal, leave);
    };
    child.once('error', (error) => {
      done();
      reject(error);
    });
    child.once('exit', (code, signal) => {
      done();
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
    });
  });
}
