/**
 * The captures that the rules are tested with: of what software, what was done, and what is to be found. For each rule one case that
 * fires it and one near miss that must not; `scripts/record-rule-captures.ts` recorded them, and records them again.
 *
 * All of them are real software on real TCP, most on the loopback device (tcpdump, every byte). "Link": two network namespaces
 * joined by a TUN device that holds each packet for half the round trip named, loses all of them on demand, and forges resets.
 */
import type { FindingLevel } from 'holdfast/story';

/** The versions of the recordings; the system was Linux 6.18. */
export const versions = {
  nginx: '1.22.1',
  HAProxy: '2.6.12',
  Go: '1.19.8 (net/http)',
  Node: '20.20.2 (node:http)',
  undici: '7.30.2',
  curl: '7.88.1',
  Python: '3.11.7 (http.client)',
  socket: 'node:net of Node 20.20.2, which sends bytes by hand',
  tcpdump: '4.99.3',
} as const;

type Software = keyof typeof versions;

interface Expected {
  readonly rule: string;
  readonly level: FindingLevel;
  /** Numbers of the connections named; left out where the finding is about a server or client as a whole. */
  readonly connections?: readonly number[];
}

export interface Case {
  /** Folder (the rule) and file name, without `.pcap.gz`. */
  readonly capture: `${string}/${'fires' | 'near-miss'}${string}`;
  readonly client: Software;
  readonly server: readonly Software[];
  readonly did: string;
  /** Findings of the folder's rule and every bad finding. Nothing else that is bad may be found, nor anything of the rule. */
  readonly expects: readonly Expected[];
}

const bad = (rule: string, ...connections: number[]): Expected => ({ rule, level: 'bad', connections });
const warning = (rule: string, ...connections: number[]): Expected => ({ rule, level: 'warning', connections });
const info = (rule: string, ...connections: number[]): Expected => ({ rule, level: 'info', connections });
const good = (rule: string, ...connections: number[]): Expected => ({ rule, level: 'good', connections });
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

const closing: readonly Case[] = [
  {
    capture: 'stale-reuse/fires',
    client: 'undici',
    server: ['Go'],
    did: 'Link of 100 ms; the server closes after 1 s idle; a POST leaves 0.95 s after the answer before it, so it crosses the FIN. Twice.',
    expects: [bad('stale-reuse', 0, 1)],
  },
  {
    capture: 'stale-reuse/near-miss',
    client: 'undici',
    server: ['Go'],
    did: 'The same, but the next request leaves after 0.7 s and is answered, and another after the FIN has come, on a new connection.',
    expects: [],
  },
  {
    capture: 'reuse-after-fin/fires',
    client: 'Python',
    server: ['nginx'],
    did: 'keepalive_timeout 1s; http.client sends its second request after 1.6 s into the connection it never looked at.',
    expects: [bad('reuse-after-fin', 0)],
  },
  {
    capture: 'reuse-after-fin/near-miss',
    client: 'Python',
    server: ['nginx'],
    did: 'A second request after 0.6 s; then the FIN comes, the program closes and opens a new connection.',
    expects: [],
  },
  {
    capture: 'timeout-inferred/fires',
    client: 'Node',
    server: ['nginx'],
    did: 'keepalive_timeout 1s; a request every 1.3 s.',
    expects: [info('timeout-inferred', 0, 1, 2, 3, 4)],
  },
  {
    capture: 'timeout-inferred/near-miss',
    client: 'Node',
    server: ['nginx'],
    did: 'keepalive_timeout 0: each connection is closed at once, as announced.',
    expects: [],
  },
  {
    capture: 'timeout-order/fires',
    client: 'Go',
    server: ['Go'],
    did: 'The server closes after 2 s idle; net/http reuses after 1.90 s and 1.95 s, and finds three connections closed.',
    expects: [warning('timeout-order', 1)],
  },
  {
    capture: 'timeout-order/near-miss',
    client: 'Go',
    server: ['Go'],
    did: 'The same server; gaps of 0.3 s, and the client exits.',
    expects: [],
  },
  {
    capture: 'hint-broken/fires',
    client: 'Node',
    server: ['nginx'],
    did: 'keepalive_timeout 1s 5: it announces 5 s and closes after 1 s. Three connections.',
    expects: [warning('hint-broken', 0, 1, 2)],
  },
  {
    capture: 'hint-broken/near-miss',
    client: 'Node',
    server: ['nginx'],
    did: 'keepalive_timeout 2s 2: it announces 2 s and closes after 2 s.',
    expects: [],
  },
  {
    capture: 'hint-ignored/fires',
    client: 'Go',
    server: ['nginx'],
    did: 'The server announces 1 s (and keeps 5 s); net/http, which does not read the field, reuses after 1.5 s and 1.6 s.',
    expects: [warning('hint-ignored', 0)],
  },
  {
    capture: 'hint-ignored/near-miss',
    client: 'Go',
    server: ['nginx'],
    did: 'The same announcement; reuse after 0.4 s and 0.8 s.',
    expects: [],
  },
  {
    capture: 'hint-leaked/fires',
    client: 'Python',
    server: ['Node'],
    did: 'A proxy on node:http hands on every field of a Node server that announces 2 s, and keeps its own connections for 60 s. Both sides recorded.',
    expects: [warning('hint-leaked', 2)],
  },
  {
    capture: 'hint-leaked/near-miss',
    client: 'Python',
    server: ['nginx', 'Node'],
    did: 'nginx in front of the same server announces 2 s of its own (keepalive_timeout 2s 2) and keeps to it.',
    expects: [],
  },
  {
    capture: 'max-requests/fires',
    client: 'Node',
    server: ['nginx'],
    did: 'keepalive_requests 3; ten requests in a row on one connection at a time.',
    expects: [{ rule: 'max-requests', level: 'info' }],
  },
  {
    capture: 'max-requests/near-miss',
    client: 'Node',
    server: ['nginx'],
    did: 'Three connections with three requests each, closed by the client.',
    expects: [],
  },
  {
    capture: 'age-limit/fires',
    client: 'Node',
    server: ['Node'],
    did: 'The server ends each socket 2 s after it was opened; four connections in use, with a request every 130, 170, 230 and 270 ms.',
    expects: [{ rule: 'age-limit', level: 'info' }],
  },
  {
    capture: 'age-limit/near-miss',
    client: 'Node',
    server: ['nginx'],
    did: 'keepalive_timeout 1s; connections with 2, 4 and 7 requests, left idle: as many ages as connections.',
    expects: [],
  },
  {
    capture: 'pipeline-tail-dropped/fires',
    client: 'socket',
    server: ['nginx'],
    did: 'keepalive_requests 3; five requests in one write. Three answers, then the FIN.',
    expects: [warning('pipeline-tail-dropped', 0)],
  },
  {
    capture: 'pipeline-tail-dropped/near-miss',
    client: 'socket',
    server: ['nginx'],
    did: 'Five requests in one write, five answers.',
    expects: [],
  },
  {
    capture: 'reuse-disabled/fires',
    client: 'nginx',
    server: ['Node'],
    did: 'proxy_pass with nothing else: HTTP/1.0 and Connection: close towards the server behind. Eight requests, recorded there.',
    expects: [{ rule: 'reuse-disabled', level: 'warning' }],
  },
  {
    capture: 'reuse-disabled/near-miss',
    client: 'nginx',
    server: ['Node'],
    did: 'The same with keepalive 4, proxy_http_version 1.1 and an empty Connection field.',
    expects: [],
  },
  {
    capture: 'unused-connection/fires',
    client: 'socket',
    server: ['nginx'],
    did: 'client_header_timeout 1s; two connections, of which one carries a request and the other nothing.',
    expects: [info('unused-connection', 0)],
  },
  {
    capture: 'unused-connection/near-miss',
    client: 'socket',
    server: ['nginx'],
    did: 'A connection opened early, and used after 0.9 s.',
    expects: [],
  },
  {
    capture: 'deploy-burst/fires',
    client: 'socket',
    server: ['nginx'],
    did: 'Twelve connections, each used once at its own time; then nginx -s quit.',
    expects: [warning('deploy-burst', ...upTo(12))],
  },
  {
    capture: 'deploy-burst/near-miss',
    client: 'socket',
    server: ['nginx'],
    did: 'Twelve connections used at the same time; keepalive_timeout 1s closes them at the same time.',
    expects: [],
  },
  {
    capture: 'response-cut/fires',
    client: 'curl',
    server: ['nginx', 'Node'],
    did: 'The server behind nginx breaks off after a third of its answer, and so does nginx.',
    expects: [bad('response-cut', 0)],
  },
  {
    capture: 'response-cut/near-miss',
    client: 'curl',
    server: ['Node'],
    did: 'An answer without length or chunks, in two pieces; the end of the connection is its end.',
    expects: [],
  },
  {
    capture: 'response-lost-to-reset/fires',
    client: 'socket',
    server: ['Node'],
    did: 'An upload of 100 kB; Node answers 413 with Connection: close at the head and destroys the socket with the rest unread.',
    expects: [bad('response-lost-to-reset', 0)],
  },
  {
    capture: 'response-lost-to-reset/near-miss',
    client: 'socket',
    server: ['nginx'],
    did: 'The same upload over client_max_body_size: nginx answers 413, reads on to the end, and then closes.',
    expects: [],
  },
  {
    capture: 'cut-while-waiting/fires',
    client: 'Node',
    server: ['HAProxy', 'Node'],
    did: 'HAProxy in mode tcp with timeout server 1s in front of a server that never answers. Three connections.',
    expects: [bad('cut-while-waiting', 0, 1, 2)],
  },
  {
    capture: 'cut-while-waiting/near-miss',
    client: 'Node',
    server: ['HAProxy', 'Node'],
    did: 'The same, but the answers come after 0.8 s.',
    expects: [],
  },
  {
    capture: 'cut-while-waiting/near-miss-answered',
    client: 'Node',
    server: ['HAProxy', 'Node'],
    did: 'HAProxy in mode http answers 504 after 1 s.',
    expects: [],
  },
  {
    capture: 'server-died/fires',
    client: 'Node',
    server: ['Node'],
    did: 'SIGKILL while two requests wait; the next connection is refused.',
    expects: [bad('server-died', 0, 1), bad('refused', 2)],
  },
  {
    capture: 'server-died/near-miss',
    client: 'Node',
    server: ['Node'],
    did: 'One handler destroys its socket while the request waits; the server lives on and answers the next.',
    expects: [bad('closed-without-answer', 0)],
  },
  {
    capture: 'closed-without-answer/fires',
    client: 'curl',
    server: ['Node'],
    did: 'The handler of one request destroys its socket after 40 ms; curl asks for the next on a new connection.',
    expects: [bad('closed-without-answer', 0)],
  },
  {
    capture: 'closed-without-answer/near-miss',
    client: 'curl',
    server: ['Node'],
    did: 'Answers of 204 with Connection: close, and the close.',
    expects: [],
  },
  {
    capture: 'client-gave-up/fires',
    client: 'curl',
    server: ['Node'],
    did: 'curl -m 1.2 and a server that never answers.',
    expects: [warning('client-gave-up', 0)],
  },
  {
    capture: 'client-gave-up/near-miss',
    client: 'curl',
    server: ['Node'],
    did: 'curl -m 1.2 and an answer after 0.9 s.',
    expects: [],
  },
  {
    capture: 'proxy-gave-up/fires',
    client: 'curl',
    server: ['HAProxy', 'Node'],
    did: 'HAProxy with timeout server 1s before a handler that needs 1.6 s; captured on both sides of it.',
    expects: [bad('proxy-gave-up', 0, 1)],
  },
  {
    capture: 'proxy-gave-up/near-miss',
    client: 'curl',
    server: ['nginx', 'Node'],
    did: 'nginx before the same handler; curl -m 1.2 leaves, and nginx lets go of the server too.',
    expects: [],
  },
  {
    capture: 'half-close-dropped/fires',
    client: 'socket',
    server: ['Node'],
    did: 'A request with the client’s FIN right behind it; the handler needs 0.3 s.',
    expects: [warning('half-close-dropped', 0)],
  },
  {
    capture: 'half-close-dropped/near-miss',
    client: 'socket',
    server: ['Go'],
    did: 'The same with Go, which answers after 0.3 s.',
    expects: [],
  },
  {
    capture: 'request-after-close/fires',
    client: 'socket',
    server: ['Go'],
    did: 'Link of 40 ms; the request asked for the close, the answer confirmed it, and the client sends another.',
    expects: [bad('request-after-close', 0)],
  },
  {
    capture: 'request-after-close/near-miss',
    client: 'socket',
    server: ['Go'],
    did: 'The same with a connection for each request.',
    expects: [],
  },
  {
    capture: 'half-open/fires',
    client: 'Python',
    server: ['nginx'],
    did: 'keepalive_timeout 1s; the program sleeps on its connection, which is still in CLOSE_WAIT when curl asks on another, 65 s later.',
    expects: [warning('half-open', 0)],
  },
  {
    capture: 'half-open/near-miss',
    client: 'Python',
    server: ['nginx'],
    did: 'The same, but the program ends 0.4 s after the FIN.',
    expects: [],
  },
  {
    capture: 'late-reset/fires',
    client: 'socket',
    server: ['Node'],
    did: 'Link of 40 ms; the client answers the idle close with an empty line and its own FIN; the resets arrive behind both FINs.',
    expects: [info('late-reset', 0)],
  },
  {
    capture: 'late-reset/near-miss',
    client: 'socket',
    server: ['Go'],
    did: 'Link of 40 ms; the server answers and resets the connection: no FIN at all.',
    expects: [],
  },
];

const network: readonly Case[] = [
  {
    capture: 'silent-drop/fires',
    client: 'socket',
    server: ['Node'],
    did: 'Link of 20 ms that loses everything after 3 s of idleness; the next request is sent again six times in 7 s.',
    expects: [bad('silent-drop', 0)],
  },
  {
    capture: 'silent-drop/near-miss',
    client: 'socket',
    server: ['Node'],
    did: 'The same, but the link is back after 0.35 s and the request comes through.',
    expects: [],
  },
  {
    capture: 'path-lost/fires',
    client: 'socket',
    server: ['Node'],
    did: 'Link of 20 ms that loses everything from the end of one answer on; the next request, sent at once, is sent again for 6 s.',
    expects: [bad('path-lost', 0)],
  },
  {
    capture: 'path-lost/near-miss',
    client: 'socket',
    server: ['Node'],
    did: 'The same, but the link is back after 0.9 s.',
    expects: [],
  },
  {
    capture: 'forged-reset/fires',
    client: 'Node',
    server: ['Node'],
    did: 'Link of 20 ms whose box sends the client a reset (time to live 247) while a request waits; the server knows nothing of it.',
    expects: [bad('forged-reset', 0)],
  },
  {
    capture: 'forged-reset/near-miss',
    client: 'socket',
    server: ['Go'],
    did: 'Link of 20 ms; the server itself resets a connection after its answer (SO_LINGER 0).',
    expects: [],
  },
  {
    capture: 'probes-unanswered/fires',
    client: 'socket',
    server: ['Node'],
    did: 'Link of 20 ms; TCP keep-alive after 1 s; the link dies, ten probes stay unanswered, the kernel gives up.',
    expects: [warning('probes-unanswered', 0)],
  },
  {
    capture: 'probes-unanswered/near-miss',
    client: 'socket',
    server: ['Node'],
    did: 'The same, but the link is back after two lost probes; the connection is used again.',
    expects: [],
  },
  {
    capture: 'probes-late/fires',
    client: 'socket',
    server: ['Node'],
    did: 'Six minutes of idleness without a probe, and then reuse. On the loopback device nothing is forgotten.',
    expects: [info('probes-late', 0)],
  },
  {
    capture: 'probes-late/near-miss',
    client: 'socket',
    server: ['Node'],
    did: 'The same six minutes with a TCP keep-alive probe after one minute, and one a second from then on, as Node sets it.',
    expects: [],
  },
  {
    capture: 'probes-are-not-reuse/fires',
    client: 'socket',
    server: ['nginx'],
    did: 'keepalive_timeout 4s; the client probes each second, all are answered, and the server closes all the same.',
    expects: [info('probes-are-not-reuse', 0)],
  },
  {
    capture: 'probes-are-not-reuse/near-miss',
    client: 'socket',
    server: ['nginx'],
    did: 'The same probes, but the connection is used again after 3.3 s, and closed by the client.',
    expects: [],
  },
  {
    capture: 'refused/fires',
    client: 'curl',
    server: [],
    did: 'Nobody listens on the port. Three attempts.',
    expects: [warning('refused', 0, 1, 2)],
  },
  {
    capture: 'refused/near-miss',
    client: 'socket',
    server: ['Go'],
    did: 'The server accepts, answers and resets.',
    expects: [],
  },
  {
    capture: 'no-answer/fires',
    client: 'curl',
    server: ['Node'],
    did: 'Link that loses everything: the SYN is sent again until curl gives up after 8 s.',
    expects: [warning('no-answer', 0)],
  },
  {
    capture: 'no-answer/near-miss',
    client: 'curl',
    server: ['Node'],
    did: 'The link is back after 0.6 s: the second SYN is answered.',
    expects: [],
  },
  {
    capture: 'lost-opening/fires',
    client: 'Node',
    server: ['Node'],
    did: 'The link loses everything for 0.5 s while the client connects: the second SYN opens the connection.',
    expects: [warning('lost-opening', 0)],
  },
  {
    capture: 'lost-opening/near-miss',
    client: 'curl',
    server: ['Node'],
    did: 'Link of 800 ms: the handshake is as slow as the way is long.',
    expects: [],
  },
];

const pools: readonly Case[] = [
  {
    capture: 'churn/fires',
    client: 'Node',
    server: ['nginx'],
    did: 'A new Agent for each of 40 requests, destroyed after the answer.',
    expects: [{ rule: 'churn', level: 'warning' }],
  },
  {
    capture: 'churn/near-miss',
    client: 'Node',
    server: ['nginx'],
    did: '40 requests in turn over eight Agents: five on each connection.',
    expects: [],
  },
  {
    capture: 'tiny-pool/fires',
    client: 'Go',
    server: ['Go'],
    did: 'Six bursts of eight requests over MaxIdleConnsPerHost: 2, the default.',
    expects: [{ rule: 'tiny-pool', level: 'warning' }],
  },
  {
    capture: 'tiny-pool/near-miss',
    client: 'Go',
    server: ['Go'],
    did: 'The same bursts over MaxIdleConnsPerHost: 8.',
    expects: [],
  },
  {
    capture: 'unread-body/fires',
    client: 'Go',
    server: ['Go'],
    did: 'Twelve answers of 30 kB; the client closes each body without reading it, and with it the connection.',
    expects: [warning('unread-body', ...upTo(12))],
  },
  {
    capture: 'unread-body/fires-stalled',
    client: 'Node',
    server: ['Node'],
    did: 'Four answers of 400 kB on which the program looks at the status only; the windows close, nobody reads.',
    expects: [warning('unread-body', 0, 1, 2, 3)],
  },
  {
    capture: 'unread-body/near-miss',
    client: 'Go',
    server: ['Go'],
    did: 'Sixteen answers of 30 kB, read to their ends.',
    expects: [],
  },
  {
    capture: 'leak/fires',
    client: 'Go',
    server: ['Go'],
    did: 'A new http.Client every 1.5 s for 44 s, each of which keeps its connection and never uses it again.',
    expects: [{ rule: 'leak', level: 'warning' }],
  },
  {
    capture: 'leak/near-miss',
    client: 'Node',
    server: ['Go'],
    did: 'An Agent with eight connections of a burst, of which one serves a request every 2 s for 34 s and the others lie idle.',
    expects: [],
  },
  {
    capture: 'pinned-load/fires',
    client: 'Node',
    server: ['nginx'],
    did: 'Two addresses of one Host; a client with an old connection sends 139 requests to the first and one to the second, which is new.',
    expects: [info('pinned-load', 1)],
  },
  {
    capture: 'pinned-load/near-miss',
    client: 'Node',
    server: ['nginx'],
    did: 'The same two addresses in turn from the moment the second is there.',
    expects: [],
  },
  {
    capture: 'hidden-retry/fires',
    client: 'curl',
    server: ['Node'],
    did: 'The server reads a POST on a reused connection and hangs up; curl sends it again on a new one.',
    expects: [warning('hidden-retry', 0, 1), bad('closed-without-answer', 0)],
  },
  {
    capture: 'hidden-retry/near-miss',
    client: 'Python',
    server: ['Node'],
    did: 'The same loss; the program asks with GET what became of it.',
    expects: [bad('closed-without-answer', 0)],
  },
  {
    capture: 'reuse-works/fires',
    client: 'curl',
    server: ['nginx'],
    did: 'Eight requests of one curl.',
    expects: [good('reuse-works', 0)],
  },
  {
    capture: 'reuse-works/near-miss',
    client: 'curl',
    server: ['nginx'],
    did: 'Eight requests, a curl for each.',
    expects: [],
  },
  {
    capture: 'timeouts-in-order/fires',
    client: 'undici',
    server: ['Node'],
    did: 'The server announces 5 s; undici closes after 3 s. Three connections.',
    expects: [good('timeouts-in-order', 0, 1, 2)],
  },
  {
    capture: 'timeouts-in-order/near-miss',
    client: 'undici',
    server: ['Go'],
    did: 'The server closes after 1 s, before undici would. Three connections.',
    expects: [],
  },
];

const waiting: readonly Case[] = [
  {
    capture: 'slow-server/fires',
    client: 'Node',
    server: ['Node'],
    did: 'One of three answers comes after 1.8 s.',
    expects: [warning('slow-server', 0)],
  },
  {
    capture: 'slow-server/near-miss',
    client: 'Node',
    server: ['Node'],
    did: 'Answers after 0.3 s and 0.4 s.',
    expects: [],
  },
  {
    capture: 'slow-network/fires',
    client: 'Node',
    server: ['Go'],
    did: 'Link of 40 ms that loses everything for 0.5 s around every second request.',
    expects: [warning('slow-network', 0)],
  },
  {
    capture: 'slow-network/near-miss',
    client: 'Node',
    server: ['Go'],
    did: 'Link of 300 ms that loses nothing.',
    expects: [],
  },
  {
    capture: 'slow-client/fires',
    client: 'Go',
    server: ['Go'],
    did: 'A receive buffer of 4 kB, an answer of 30 kB, and nothing read for 1.8 s: the window is closed.',
    expects: [warning('slow-client', 0)],
  },
  {
    capture: 'slow-client/near-miss',
    client: 'Go',
    server: ['Go'],
    did: 'The same small buffer, read at once.',
    expects: [],
  },
  {
    capture: 'nagle-delayed-ack/fires',
    client: 'socket',
    server: ['Go'],
    did: 'Head and body in two small writes, without TCP_NODELAY: the second waits for an acknowledgement that is held for 40 ms. 30 requests.',
    expects: [warning('nagle-delayed-ack', 0)],
  },
  {
    capture: 'nagle-delayed-ack/near-miss',
    client: 'socket',
    server: ['Go'],
    did: 'The same two writes with TCP_NODELAY.',
    expects: [],
  },
  {
    capture: 'slow-start-after-idle/fires',
    client: 'Node',
    server: ['Go'],
    did: 'Link of 60 ms; answers of 100 kB that go at once on a warm connection, and in flights of 14, 29 and 57 kB after 2 s of idleness.',
    expects: [info('slow-start-after-idle', 0)],
  },
  {
    capture: 'slow-start-after-idle/near-miss',
    client: 'Node',
    server: ['Go'],
    did: 'The same with net.ipv4.tcp_slow_start_after_idle = 0 on the server.',
    expects: [],
  },
  {
    capture: 'handshake-cost/fires',
    client: 'curl',
    server: ['Go'],
    did: 'Link of 80 ms; twelve requests, a curl for each.',
    expects: [warning('handshake-cost', ...upTo(12))],
  },
  {
    capture: 'handshake-cost/near-miss',
    client: 'curl',
    server: ['Go'],
    did: 'Link of 80 ms; twelve requests of one curl.',
    expects: [],
  },
  {
    capture: 'framing-desync/fires',
    client: 'socket',
    server: ['Node'],
    did: 'Each answer is longer than its Content-Length; what is left over comes before the next answer.',
    expects: [bad('framing-desync', 0)],
  },
  {
    capture: 'framing-desync/near-miss',
    client: 'socket',
    server: ['Node'],
    did: 'The same answers with the right length.',
    expects: [],
  },
];

export const cases: readonly Case[] = [...closing, ...network, ...pools, ...waiting];
