/** A socket as a source finds it, before its owner is looked up. */
import type { TcpSocket } from '../base/index.js';

export interface FoundSocket extends Omit<TcpSocket, 'owners'> {
  /** The number by which /proc/PID/fd names it; 0 when no process has it; null when the source has none. */
  readonly inode: number | null;
}

/** Sockets of a family that are read; a host with more has so many told, and it is said that there are more. */
export const socketLimit = 500_000;
