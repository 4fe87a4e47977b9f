/** How Linux numbers states and timers, in netlink and in /proc alike (net/tcp_states.h, Documentation/networking/proc_net_tcp.rst). */
import { type SocketState, type SocketTimer, socketStates } from '../base/index.js';

/** Half-open connections that the kernel keeps apart from sockets. */
const newSynRecv = 12;

/** Null: a state that is none of RFC 9293. */
export const stateOfNumber = (number: number): SocketState | null =>
  number === newSynRecv ? 'SYN_RECV' : (socketStates[number - 1] ?? null);

const timerKinds: readonly (SocketTimer['kind'] | null)[] = [null, 'retransmit', 'keep-alive', 'time-wait', 'probe'];

export function timerOf(number: number, expiresMs: number, attempts: number): SocketTimer | null {
  const kind = timerKinds[number] ?? null;
  return kind === null ? null : { kind, expiresMs, attempts };
}
