/** The sockets of a host as JSON: everything, in the words of the report. Its shape is promised by its schema. */
import type { SocketReport, SocketState, TcpSocket } from '../base/index.js';
import { socketsHeadline } from '../view/index.js';

export function socketsJson(report: SocketReport): object {
  const { table, chosen, peers, findings } = report;
  const states: Partial<Record<SocketState, number>> = {};
  for (const { state } of chosen) states[state] = (states[state] ?? 0) + 1;
  return {
    schema: 'holdfast.sockets.v1',
    takenAt: new Date(table.takenAtMs).toISOString(),
    source: table.source,
    missing: table.missing,
    headline: socketsHeadline(report),
    totals: { sockets: chosen.length, states },
    ports: table.ports,
    listenCounters: table.listenCounters,
    findings,
    peers,
    sockets: chosen.map(socketJson),
  };
}

/** Ends as text, as everywhere in the reports. */
function socketJson({ state, local, remote, ...socket }: TcpSocket): object {
  const text = ({ address, port }: TcpSocket['local']): string =>
    address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return { state, local: text(local), remote: text(remote), ...socket };
}
