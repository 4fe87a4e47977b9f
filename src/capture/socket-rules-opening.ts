/** Rules about connections that cannot be opened: no port left, no answer, no room in the accept queue. */
import type { SocketFinding, SocketPeer, TcpSocket } from '../base/index.js';
import { byOwner, counted, countText, durationText, endpointText, placesText, type SocketFacts } from './socket-facts.js';
import { moreLocalPorts, reuseConnections } from './socket-fixes.js';

/** Shares of the port range that are taken. */
const portsWarning = 0.8;
const portsBad = 0.95;
/** So soon before the last port is gone it is said, however many are left. */
const exhaustionSoonMs = 10 * 60_000;

export function portExhaustion({ table, peers, before }: SocketFacts): SocketFinding[] {
  const { ports } = table;
  if (ports === null) return [];
  const size = ports.last - ports.first + 1 - ports.reserved;
  return peers.flatMap((peer): SocketFinding[] => {
    const left = peer.portsLeft;
    if (left === null) return [];
    const taken = size === 0 ? 1 : 1 - left / size;
    const earlier = before?.peers.find((other) => other.direction === 'out' && isSamePlace(other, peer));
    const rate = rateOf(earlier?.portsLeft ?? null, left, table.takenAtMs - (before?.table.takenAtMs ?? 0));
    const untilNoneMs = rate === null || rate <= 0 ? null : (left / rate) * 1000;
    const isSoon = untilNoneMs !== null && untilNoneMs <= exhaustionSoonMs && taken >= 0.1;
    if (taken < portsWarning && !isSoon) return [];
    const waiting = peer.states.TIME_WAIT ?? 0;
    const pace =
      untilNoneMs === null || rate === null
        ? ''
        : ` ${countText(rate < 10 ? Math.round(rate * 10) / 10 : Math.round(rate))} more are taken each second, so the last one is gone in ${durationText(untilNoneMs)}.`;
    const reused =
      waiting > 0 && ports.reuseOfTimeWait === 'always'
        ? ' Those may be used again after a second (net.ipv4.tcp_tw_reuse = 1).'
        : '';
    return [
      {
        rule: 'port-exhaustion',
        level: taken >= portsBad || (isSoon && untilNoneMs < 60_000) ? 'bad' : 'warning',
        owner: 'client',
        title: left === 0 ? 'No local port is left for new connections' : 'The local ports for new connections run out',
        detail:
          `To ${endpointText(peer.service)} ${countText(left)} of ${countText(size)} local ports are left` +
          `${peer.addressCount > 1 ? ' from the fullest local address' : ''}; ${countText(waiting)} wait in TIME_WAIT.${reused}${pace} ` +
          'Without a port, connect fails with EADDRNOTAVAIL.',
        fixes: [...reuseConnections, ...moreLocalPorts],
        sockets: peer.sockets,
      },
    ];
  });
}

const isSamePlace = (a: SocketPeer, b: SocketPeer): boolean =>
  a.service.port === b.service.port && a.service.address === b.service.address;

/** Ports taken a second; null at the first look. */
const rateOf = (before: number | null, now: number, elapsedMs: number): number | null =>
  before === null || elapsedMs <= 0 ? null : ((before - now) * 1000) / elapsedMs;

/** Connects under way to one place that are no coincidence, and those that are many. */
const pendingConnects = 3;
const manyPendingConnects = 20;

export function connectsUnanswered({ sockets, directions }: SocketFacts): SocketFinding[] {
  const pending = sockets.filter(({ state }) => state === 'SYN_SENT');
  const repeated = pending.filter(({ timer }) => (timer?.attempts ?? 0) > 0);
  if (repeated.length === 0 && pending.length < pendingConnects) return [];
  const names = [...byOwner(pending, directions).keys()].filter((name) => name !== null);
  const asked = repeated.length > 0 ? ` ${countText(repeated.length)} of them asked more than once.` : '';
  return [
    {
      rule: 'connects-unanswered',
      level: repeated.length >= pendingConnects || pending.length >= manyPendingConnects ? 'bad' : 'warning',
      owner: 'network',
      title: 'Connections are asked for and nobody answers',
      detail:
        `${counted(pending.length, 'socket')} in SYN_SENT${names.length > 0 ? ` of ${names.slice(0, 3).join(', ')}` : ''}, ` +
        `to ${placesText(pending, directions)}.${asked} ` +
        'A closed port would refuse at once: here the SYN or its answer is dropped, by a firewall, a full accept queue or a wrong address.',
      fixes: [
        {
          for: 'the way there',
          setting: 'security groups, firewalls, routes of this address and port',
          why: 'they drop without a word',
        },
        {
          for: 'the client',
          setting: 'a connect timeout of 1 to 3 s',
          why: 'Linux itself gives up only after about two minutes',
        },
        { for: 'the server', setting: 'look at its accept queue: holdfast sockets there', why: 'a full one drops SYNs too' },
      ],
      sockets: pending.length,
    },
  ];
}

/** Share of the accept queue that is filled. */
const queueWarning = 0.8;

export function acceptQueueFull({ sockets }: SocketFacts): SocketFinding[] {
  return sockets.flatMap((listener): SocketFinding[] => {
    const { used = 0, limit = null } = listener.acceptQueue ?? {};
    if (limit === null || used === 0 || used < limit * queueWarning) return [];
    const who = ownersText(listener);
    return [
      {
        rule: 'accept-queue-full',
        level: used > limit ? 'bad' : 'warning',
        owner: 'server',
        title:
          used > limit
            ? 'New connections are not accepted, and the queue is full'
            : 'The queue of new connections is nearly full',
        detail:
          `${endpointText(listener.local)}${who}: ${counted(used, 'connection')} wait to be accepted, ${countText(limit)} may. ` +
          'The clients believe to be connected, and wait; further ones are dropped and try again after 1 s, 3 s, 7 s.',
        fixes: [
          {
            for: 'the program',
            setting: 'find what keeps its event loop or all its workers busy',
            why: 'it does not come to accept',
          },
          { for: 'Linux', setting: 'net.core.somaxconn = 4096', why: 'the most that any listener gets' },
          { for: 'Node.js', setting: 'server.listen({ port, backlog: 4096 })', why: 'its default is 511' },
          { for: 'nginx', setting: 'listen 80 backlog=4096;', why: 'its default is 511' },
        ],
        sockets: 1,
      },
    ];
  });
}

const ownersText = ({ owners }: TcpSocket): string =>
  owners === null || owners.length === 0 ? '' : ` of ${owners[0]!.name} (pid ${owners[0]!.pid})`;

export function connectionsDropped({ table, before }: SocketFacts): SocketFinding[] {
  const now = table.listenCounters;
  if (now === null) return [];
  const earlier = before?.table.listenCounters ?? null;
  const overflows = now.overflows - (earlier?.overflows ?? 0);
  const drops = now.drops - (earlier?.drops ?? 0);
  if (drops <= 0) return [];
  const since = earlier === null ? 'Since the host started' : 'Since the last look';
  return [
    {
      rule: 'connections-dropped',
      level: earlier === null ? 'info' : 'bad',
      owner: 'server',
      title: earlier === null ? 'Listeners have dropped connections' : 'Listeners are dropping connections',
      detail:
        `${since}, ${counted(drops, 'new connection')} ${drops === 1 ? 'was' : 'were'} dropped on this host, ` +
        `${countText(overflows)} because an accept queue was full (ListenDrops, ListenOverflows; of which listener the kernel does not count).`,
      fixes: [
        {
          for: 'the program',
          setting: 'accept sooner, or a larger backlog',
          why: 'holdfast sockets --watch shows the queue that fills',
        },
      ],
      sockets: 0,
    },
  ];
}
