/**
 * Which processes have which sockets open: the links in /proc/PID/fd are named after the sockets' inodes. Of processes of other
 * users they may be read only by root (or with CAP_SYS_PTRACE); how many could not be looked at is told.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { SocketOwner } from '../base/index.js';

/** Open files looked at, over all processes. */
const fileLimit = 2_000_000;
/** Processes named for one socket: forked workers share a listener. */
const ownersPerSocket = 64;

export interface SocketOwners {
  /** By inode. */
  readonly owners: ReadonlyMap<number, readonly SocketOwner[]>;
  /** Processes whose open files may not be looked at. */
  readonly closedProcesses: number;
}

/** @param wanted inodes of the sockets; others are not kept */
export function findSocketOwners(wanted: ReadonlySet<number>): SocketOwners {
  const owners = new Map<number, SocketOwner[]>();
  let closedProcesses = 0;
  let files = 0;
  for (const name of listing('/proc') ?? []) {
    if (!/^\d+$/.test(name)) continue;
    const folder = `/proc/${name}/fd`;
    const open = listing(folder);
    if (open === null) {
      // Those that have ended meanwhile are no loss.
      if (listing(`/proc/${name}`) !== null) closedProcesses++;
      continue;
    }
    let owner: SocketOwner | null = null;
    for (const file of open) {
      if (++files > fileLimit) return { owners, closedProcesses };
      const inode = socketInode(`${folder}/${file}`);
      if (inode === null || !wanted.has(inode)) continue;
      owner ??= { pid: Number(name), name: processName(name) };
      const known = owners.get(inode);
      if (known === undefined) owners.set(inode, [owner]);
      else if (known.at(-1) !== owner && known.length < ownersPerSocket) known.push(owner);
    }
  }
  return { owners, closedProcesses };
}

function listing(folder: string): string[] | null {
  try {
    return readdirSync(folder);
  } catch {
    return null;
  }
}

function socketInode(link: string): number | null {
  try {
    const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(link));
    return match === null ? null : Number(match[1]);
  } catch {
    return null;
  }
}

/** What Node.js calls its first thread, and so the kernel the process: `MainThread` from version 23 on, `node-MainThread` from 26 on. */
const threadName = /^(?:node-)?MainThread$/;

function processName(pid: string): string {
  try {
    const name = readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return threadName.test(name) ? basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '') : name;
  } catch {
    return '?';
  }
}
