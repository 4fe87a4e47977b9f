/** Rules about data that do not move, and about connections without any. */
import type { SocketFinding } from '../base/index.js';
import {
  byOwner,
  counted,
  countText,
  durationText,
  idleMsOf,
  placesText,
  type SocketFacts,
  sidesOf,
  unnamedProgram,
} from './socket-facts.js';
import { idleAfterMs } from './socket-peers.js';

/** Attempts after which it is no ordinary loss any more. */
const repeatedAttempts = 2;
const badAttempts = 4;

export function unacknowledgedData({ sockets, directions }: SocketFacts): SocketFinding[] {
  const stuck = sockets.filter(
    ({ state, timer, sendQueueBytes }) =>
      state !== 'SYN_SENT' && sendQueueBytes > 0 && timer?.kind === 'retransmit' && timer.attempts >= repeatedAttempts,
  );
  if (stuck.length === 0) return [];
  const most = stuck.reduce((worst, { timer }) => Math.max(worst, timer!.attempts), 0);
  const longest = stuck.reduce((ms, { measures }) => Math.max(ms, measures?.sinceAckMs ?? 0), 0);
  const bytes = stuck.reduce((sum, { sendQueueBytes }) => sum + sendQueueBytes, 0);
  return [
    {
      rule: 'unacknowledged-data',
      level: most >= badAttempts ? 'bad' : 'warning',
      owner: 'network',
      title: 'Data are sent again and again, and nobody acknowledges them',
      detail:
        `${counted(stuck.length, 'socket')} to ${placesText(stuck, directions)}: ${countText(bytes)} bytes wait, sent up to ${countText(most)} times again` +
        `${longest > 0 ? `, nothing acknowledged for ${durationText(longest)}` : ''}. ` +
        'The other host is gone, or a box between has forgotten the connection and drops its packets. Linux gives up after about 15 minutes.',
      fixes: [
        {
          for: 'the client',
          setting: 'a timeout for the request, after which the connection is destroyed',
          why: 'TCP alone waits for minutes',
        },
        {
          for: 'Linux',
          setting: 'TCP_USER_TIMEOUT of the socket, or net.ipv4.tcp_retries2 = 8',
          why: 'gives up after about 100 s',
        },
        {
          for: 'the pool',
          setting: 'an idle limit below the box’s timeout (200 s for 240 s or 350 s)',
          why: 'what was forgotten is not used',
        },
      ],
      sockets: stuck.length,
    },
  ];
}

export function peerDoesNotRead({ sockets, directions }: SocketFacts): SocketFinding[] {
  const stuck = sockets.filter(({ timer, sendQueueBytes }) => sendQueueBytes > 0 && timer?.kind === 'probe');
  if (stuck.length === 0) return [];
  const bytes = stuck.reduce((sum, { sendQueueBytes }) => sum + sendQueueBytes, 0);
  return [
    {
      rule: 'peer-does-not-read',
      level: 'warning',
      owner: sidesOf(stuck, directions).there,
      title: 'The other side does not read what it is sent',
      detail:
        `${counted(stuck.length, 'socket')} to ${placesText(stuck, directions)}: its window is closed (zero window), ${countText(bytes)} bytes wait here. ` +
        'It acknowledges, so the way is well: the program there is busy, paused or stuck.',
      fixes: [
        { for: 'the other side', setting: 'find what keeps the program from reading', why: 'the kernel there has no room left' },
        {
          for: 'this side',
          setting: 'a limit for the time of a write (send_timeout of nginx)',
          why: 'what is not read is kept in memory',
        },
      ],
      sockets: stuck.length,
    },
  ];
}

const unreadForMs = 5000;

export function unreadData({ sockets, directions }: SocketFacts): SocketFinding[] {
  const unread = sockets.filter(
    ({ state, receiveQueueBytes, measures }) =>
      state === 'ESTABLISHED' && receiveQueueBytes > 0 && measures !== null && measures.sinceReceivedMs >= unreadForMs,
  );
  return [...byOwner(unread, directions)].map(([owner, group]): SocketFinding => {
    const bytes = group.reduce((sum, { receiveQueueBytes }) => sum + receiveQueueBytes, 0);
    const longest = group.reduce((ms, { measures }) => Math.max(ms, measures!.sinceReceivedMs), 0);
    return {
      rule: 'unread-data',
      level: 'warning',
      owner: sidesOf(group, directions).here,
      title: 'The program does not read what has arrived',
      detail:
        `${owner ?? unnamedProgram} has ${counted(group.length, 'socket')} with ${countText(bytes)} bytes unread for up to ${durationText(longest)}, ` +
        `from ${placesText(group, directions)}. It is busy or stuck, or it keeps a pooled connection on which more came than it asked for.`,
      fixes: [
        {
          for: 'the program',
          setting: 'find what keeps it from reading (a blocked event loop, no free worker)',
          why: 'the bytes are here',
        },
        {
          for: 'the pool',
          setting: 'drop a connection on which bytes come unasked',
          why: 'they would be taken for the next answer',
        },
      ],
      sockets: group.length,
    };
  });
}

/** Idle connections to one place that are worth a word. */
const notableIdle = 2;
/** NATs and balancers forget after 4 to 6 minutes; kernels probe after two hours unless told otherwise. */
const forgottenAfterMs = 240_000;

export function idlePool({ sockets, directions }: SocketFacts): SocketFinding[] {
  const idle = sockets.filter(
    (socket) => socket.state === 'ESTABLISHED' && directions.of(socket) === 'out' && (idleMsOf(socket) ?? 0) >= idleAfterMs,
  );
  if (idle.length < notableIdle) return [];
  const times = idle.map((socket) => idleMsOf(socket)!);
  const longest = times.reduce((most, ms) => Math.max(most, ms), 0);
  const unguarded = idle.filter((socket) => idleMsOf(socket)! >= forgottenAfterMs && socket.timer?.kind !== 'keep-alive').length;
  return [
    {
      rule: 'idle-pool',
      level: unguarded > 0 ? 'warning' : 'info',
      owner: 'client',
      title: unguarded > 0 ? 'Idle connections that a box on the way may have forgotten' : 'Connections are kept idle for reuse',
      detail:
        `${counted(idle.length, 'idle connection')} to ${placesText(idle, directions)}, for up to ${durationText(longest)}. ` +
        (unguarded > 0
          ? `${countText(unguarded)} are idle for more than 4 minutes without TCP keep-alive: NATs and balancers forget them, and the next request is lost.`
          : 'Good, as long as this side lets go before the other does.'),
      fixes:
        unguarded > 0
          ? [
              {
                for: 'the pool',
                setting: 'an idle limit below 200 s',
                why: 'a connection that is closed in time is not forgotten in use',
              },
              {
                for: 'Node.js',
                setting: 'socket.setKeepAlive(true, 60_000)',
                why: 'sockets send no TCP keep-alive probes unless asked to',
              },
              {
                for: 'Go',
                setting: 'net.Dialer{KeepAlive: 15 * time.Second}',
                why: 'the default of 15 s is right: do not turn it off',
              },
            ]
          : [],
      sockets: idle.length,
    },
  ];
}
