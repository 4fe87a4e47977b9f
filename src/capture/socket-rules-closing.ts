/** Rules about connections of which one side has closed: who has not, and who was first. */
import type { SocketFinding, SocketPeer, TcpSocket } from '../base/index.js';
import {
  byOwner,
  counted,
  countText,
  durationText,
  endpointText,
  placesText,
  type SocketFacts,
  sidesOf,
  unnamedProgram,
} from './socket-facts.js';
import { reuseConnections } from './socket-fixes.js';

/** A program may take so long to notice the end. */
const noticeMs = 5000;
/** So many, or for so long, and it is a leak. */
const manyCloseWaits = 50;
const longCloseWaitMs = 60_000;
/** Where the source tells no times, so many at once are not those that happen to be closing. */
const suspiciousCloseWaits = 10;

export function closeWaitLeak({ sockets, directions }: SocketFacts): SocketFinding[] {
  const waiting = sockets.filter((socket) => {
    const sinceMs = sinceCloseMs(socket);
    return socket.state === 'CLOSE_WAIT' && (sinceMs === null || sinceMs >= noticeMs);
  });
  return [...byOwner(waiting, directions)].flatMap(([owner, group]): SocketFinding[] => {
    const times = group.flatMap((socket) => sinceCloseMs(socket) ?? []);
    if (times.length === 0 && group.length < suspiciousCloseWaits) return [];
    const longest = times.reduce((most, ms) => Math.max(most, ms), 0);
    // The FIN itself is counted as one byte until the program has read it.
    const unread = group.filter(({ receiveQueueBytes }) => receiveQueueBytes > 0).length;
    const read = group.length - unread;
    const knows = [
      unread > 0 ? `on ${countText(unread)} it has not read to the end` : '',
      read > 0 ? `on ${countText(read)} it has read the end and keeps the socket` : '',
    ].filter((part) => part !== '');
    const isLeak = group.length >= manyCloseWaits || longest >= longCloseWaitMs;
    const program = owner ?? unnamedProgram;
    return [
      {
        rule: 'close-wait-leak',
        level: isLeak ? 'bad' : 'warning',
        owner: sidesOf(group, directions).here,
        title: 'The program does not close what the other side has closed',
        detail:
          `${program} has ${counted(group.length, 'socket')} in CLOSE_WAIT${times.length > 0 ? `, for up to ${durationText(longest)}` : ''}, ` +
          `${placesText(group, directions)} closed first; ${knows.join(', ')}. ` +
          'Nothing ends CLOSE_WAIT but the program itself: each holds a file descriptor, and a request sent into one is lost.',
        fixes: [
          {
            for: 'the program',
            setting: 'close (or destroy) a socket when reading says end of file',
            why: 'only that ends CLOSE_WAIT',
          },
          {
            for: 'Node.js',
            setting: 'allowHalfOpen: false, and read or destroy every response',
            why: 'a paused response never sees the end',
          },
          { for: 'Go', setting: 'defer resp.Body.Close()', why: 'a body that is not closed keeps its connection' },
          {
            for: 'Python requests',
            setting: 'with requests.get(…, stream=True) as response',
            why: 'leaving the block closes it',
          },
          {
            for: 'Apache HttpClient',
            setting: 'evictIdleConnections(…), evictExpiredConnections()',
            why: 'looks after idle sockets',
          },
        ],
        sockets: group.length,
      },
    ];
  });
}

/** The FIN was the last that carried an acknowledgement, unless data were still sent to the other side. */
const sinceCloseMs = ({ measures }: TcpSocket): number | null => measures?.sinceAckMs ?? null;

/** TIME_WAITs of one group that are worth a word, and those that cost. */
const notableTimeWaits = 500;
const manyTimeWaits = 5000;

export function timeWaitPile({ peers, table }: SocketFacts): SocketFinding[] {
  return (['out', 'in'] as const).flatMap((direction): SocketFinding[] => {
    const piles = peers.filter((peer) => peer.direction === direction && timeWaits(peer) >= notableTimeWaits);
    if (piles.length === 0) return [];
    const count = piles.reduce((sum, peer) => sum + timeWaits(peer), 0);
    const [largest] = piles.toSorted((a, b) => timeWaits(b) - timeWaits(a)) as [SocketPeer];
    const others = piles.length > 1 ? ` (${countText(timeWaits(largest))}) and ${counted(piles.length - 1, 'other')}` : '';
    const place = `${endpointText(largest.service)}${others}`;
    const isClient = direction === 'out';
    const common = `TIME_WAIT is kept for 60 s by the side that closes first: about ${countText(Math.round(count / 60))} connections are closed here each second.`;
    const share =
      table.ports === null || largest.portsLeft === null || piles.length > 1
        ? ''
        : ` ${countText(largest.portsLeft)} local ports are left to it.`;
    return [
      {
        rule: 'time-wait-pile',
        level: count >= manyTimeWaits ? 'warning' : 'info',
        owner: isClient ? 'client' : 'server',
        title: isClient
          ? 'This host closes its connections first, and opens new ones'
          : 'This server closes its connections first',
        detail: isClient
          ? `${countText(count)} in TIME_WAIT to ${place}. ${common}${share} A client that keeps its connections has none.`
          : `${countText(count)} in TIME_WAIT from clients of ${place}. ${common} They cost little here; each new connection costs its client a round trip.`,
        fixes: isClient
          ? reuseConnections
          : [
              {
                for: 'the server',
                setting: 'keep-alive on, with an idle timeout longer than the clients’',
                why: 'then the clients close',
              },
              {
                for: 'nginx',
                setting: 'keepalive_timeout 65s; keepalive_requests 10000;',
                why: 'each response that closes opens a new one',
              },
              { for: 'the clients', setting: 'no “Connection: close”, HTTP/1.1', why: 'it asks the server to close' },
            ],
        sockets: count,
      },
    ];
  });
}

const timeWaits = ({ states }: SocketPeer): number => states.TIME_WAIT ?? 0;

const usualFinTimeoutSeconds = 60;

/** Of a socket that no program holds, the timer tells it. */
function sinceOwnFinMs({ measures, timer }: TcpSocket, finTimeoutMs: number): number | null {
  if (measures !== null) return measures.sinceAckMs;
  return timer?.kind === 'time-wait' ? finTimeoutMs - timer.expiresMs : null;
}

/** FIN_WAIT2s that are worth a word. */
const notableHalfClosed = 10;

export function halfClosed({ sockets, table, directions }: SocketFacts): SocketFinding[] {
  const finTimeoutMs = (table.finTimeoutSeconds ?? usualFinTimeoutSeconds) * 1000;
  const waiting = sockets.filter((socket) => {
    const sinceMs = sinceOwnFinMs(socket, finTimeoutMs);
    return socket.state === 'FIN_WAIT2' && (sinceMs === null || sinceMs >= noticeMs);
  });
  const held = waiting.filter(({ owners, timer }) => (owners === null ? timer === null : owners.length > 0));
  const lasting = held.filter(({ measures }) => measures !== null && measures.sinceAckMs >= finTimeoutMs);
  if (lasting.length === 0 && waiting.length < notableHalfClosed) return [];
  const sample = lasting.length > 0 ? lasting : waiting;
  const longest = sample.reduce((most, { measures }) => Math.max(most, measures?.sinceAckMs ?? 0), 0);
  const kept =
    held.length > 0
      ? `${countText(held.length)} of them are still held by their program, for which the kernel has no timeout. `
      : `The kernel gives them up after ${finTimeoutMs / 1000} s. `;
  return [
    {
      rule: 'half-closed',
      level: lasting.length > 0 ? 'warning' : 'info',
      owner: sidesOf(sample, directions).there,
      title: 'The other side does not close after this one has',
      detail:
        `${counted(waiting.length, 'socket')} in FIN_WAIT2 with ${placesText(sample, directions)}` +
        `${longest > 0 ? `, for up to ${durationText(longest)}` : ''}. ${kept}There, they are in CLOSE_WAIT: that program does not read to the end.`,
      fixes: [
        { for: 'the other side', setting: 'close a socket when reading says end of file', why: 'only that ends its CLOSE_WAIT' },
        {
          for: 'this program',
          setting: 'close the socket instead of only shutting down sending',
          why: 'then the kernel’s timeout applies',
        },
        { for: 'Linux', setting: 'net.ipv4.tcp_fin_timeout = 30', why: 'for sockets that no program holds' },
      ],
      sockets: waiting.length,
    },
  ];
}
