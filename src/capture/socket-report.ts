/**
 * What there is to say of a table of sockets: peers and findings. Pure: the same table gives the same report, and what changes
 * with time is told by giving the report before.
 */
import type { SocketFinding, SocketReport, SocketTable, TcpSocket } from '../base/index.js';
import { socketDirections } from './socket-directions.js';
import type { SocketFacts } from './socket-facts.js';
import { groupPeers } from './socket-peers.js';
import { closeWaitLeak, halfClosed, timeWaitPile } from './socket-rules-closing.js';
import { idlePool, peerDoesNotRead, unacknowledgedData, unreadData } from './socket-rules-data.js';
import { acceptQueueFull, connectionsDropped, connectsUnanswered, portExhaustion } from './socket-rules-opening.js';

export interface SocketChoice {
  /** Sockets that are looked at. */
  readonly belongs?: (socket: TcpSocket) => boolean;
  /** Those of them that are listed: peers and findings are told of all that belong. */
  readonly isListed?: (socket: TcpSocket) => boolean;
}

type SocketRule = (facts: SocketFacts) => SocketFinding[];

const socketRules: readonly SocketRule[] = [
  portExhaustion,
  acceptQueueFull,
  closeWaitLeak,
  connectsUnanswered,
  unacknowledgedData,
  peerDoesNotRead,
  unreadData,
  connectionsDropped,
  halfClosed,
  timeWaitPile,
  idlePool,
];

const levels: readonly SocketFinding['level'][] = ['bad', 'warning', 'info', 'good'];

export function reportSockets(
  table: SocketTable,
  { belongs = () => true, isListed = () => true }: SocketChoice = {},
  before: SocketReport | null = null,
): SocketReport {
  const sockets = table.sockets.filter(belongs);
  const directions = socketDirections(table.sockets, table.ports);
  const peers = groupPeers(sockets, table.sockets, table.ports, directions);
  const facts: SocketFacts = { table, sockets, peers, directions, before };
  const findings = socketRules
    .flatMap((rule) => rule(facts))
    .sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level) || b.sockets - a.sockets);
  return { table, chosen: sockets.filter(isListed), peers, findings };
}
