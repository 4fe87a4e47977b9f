/**
 * The verdict: who kept the caller waiting, who ended the connections, what it cost, the one setting to change, and what is not
 * the cause. Plain data in plain words; whoever paints it may rearrange it but must not have to think.
 */
import { nsPerMs } from '../base/index.js';
import type { Owner } from './diagnosis-rule.js';
import { counted, countWords, durationWords, endpointWords, listWords, percentWords } from './diagnosis-words.js';
import type { ServerFacts } from './facts-server.js';
import type { WholeFacts } from './facts-whole.js';
import type { Finding, FindingLevel, Fix } from './model.js';

export interface Verdict {
  /** Of the worst finding; `good` when nothing is wrong; `unknown` when there was nothing to judge. */
  readonly level: FindingLevel | 'unknown';
  /** One sentence: what is wrong, or that nothing is. */
  readonly headline: string;
  readonly owner: Owner | null;
  /** What it cost, in one sentence; null when nothing. */
  readonly cost: string | null;
  /** The one setting to change. */
  readonly change: Fix | null;
  /** The finding behind headline, owner, cost and change; null when nothing is wrong. */
  readonly finding: Finding | null;
  readonly waited: {
    readonly text: string;
    readonly clientMs: number;
    readonly networkMs: number;
    readonly serverMs: number;
    readonly handshakeMs: number;
  };
  readonly ended: {
    readonly text: string;
    /** What the numbers do not tell; in the text too. */
    readonly note: string | null;
    readonly byClient: number;
    readonly byServer: number;
    readonly byNetwork: number;
    readonly open: number;
  };
  readonly notTheCause: readonly NotTheCause[];
  /** What this capture cannot tell, and so the verdict cannot either. */
  readonly limits: readonly string[];
}

export interface NotTheCause {
  readonly code:
    | 'connections-fine'
    | 'network-fine'
    | 'server-fast'
    | 'server-errors'
    | 'gateway-errors'
    | 'encrypted'
    | 'http-2'
    | 'reuse-fine';
  readonly text: string;
}

export function verdictOf(findings: readonly Finding[], whole: WholeFacts): Verdict {
  const worst = findings.find(({ level }) => level === 'bad' || level === 'warning') ?? null;
  const judged = whole.connections > 0;
  return {
    level: worst?.level ?? (judged ? 'good' : 'unknown'),
    headline: headline(worst, findings, whole),
    owner: worst?.owner ?? null,
    cost: worst === null ? null : costOf(worst, whole),
    change: worst?.fixes[0] ?? null,
    finding: worst,
    waited: waited(whole),
    ended: ended(whole, findings),
    notTheCause: notTheCause(findings, whole),
    limits: limits(whole),
  };
}

function headline(worst: Finding | null, findings: readonly Finding[], whole: WholeFacts): string {
  if (worst !== null) {
    const place = endpointWords(worst.server);
    const others = findings.filter((one) => one !== worst && one.level === worst.level).length;
    const more = others === 0 ? '' : `; ${counted(others, 'more finding')} of this weight`;
    return `${worst.title} (${place}${more})`;
  }
  if (whole.connections === 0) return 'No TCP connection was captured';
  if (whole.requests === 0)
    return `No HTTP/1 request was seen on ${counted(whole.connections, 'connection')}; nothing is wrong with ${whole.connections === 1 ? 'it as a connection' : 'them as connections'}`;
  const unanswered = whole.requests - whole.answered;
  if (unanswered > 0)
    return `No fault was found; ${counted(unanswered, 'request')} had no answer when the capture ended or cannot be judged`;
  const errors = whole.statusClasses[5] ?? 0;
  if (errors > 0)
    return `No connection failed, but ${counted(errors, 'answer')} said error (status 5xx): look at the application, not at the connections`;
  const all =
    whole.requests === 1
      ? 'The one request was'
      : whole.requests === 2
        ? 'Both requests were'
        : `All ${countWords(whole.requests)} requests were`;
  return `${all} answered, and no fault was found`;
}

function costOf({ lostRequests, delayMs, count, connectionCount }: Finding, whole: WholeFacts): string | null {
  const parts: string[] = [];
  if (lostRequests > 0) {
    const share = whole.requests > 0 ? ` (${percentWords(lostRequests, whole.requests)} of ${countWords(whole.requests)})` : '';
    parts.push(`${counted(lostRequests, 'request')} lost${share}`);
  }
  if (delayMs >= 1) parts.push(`${durationWords(delayMs * nsPerMs)} of waiting`);
  if (parts.length === 0) {
    parts.push(connectionCount > 0 ? counted(Math.max(connectionCount, count), 'connection') : counted(count, 'case'));
  }
  return listWords(parts);
}

const sides = { client: 'the client', network: 'the network', server: 'the server' } as const;

function waited(whole: WholeFacts): Verdict['waited'] {
  const { waitedClientNs, waitedNetworkNs, waitedServerNs, handshakeNs } = whole;
  const shares = [
    { who: 'client', ns: waitedClientNs },
    { who: 'network', ns: waitedNetworkNs },
    { who: 'server', ns: waitedServerNs },
  ] as const;
  const sum = waitedClientNs + waitedNetworkNs + waitedServerNs;
  const longest = shares.reduce((most, share) => (share.ns > most.ns ? share : most));
  const text =
    sum === 0
      ? 'Nobody was seen waiting for an answer.'
      : `Mostly ${sides[longest.who]}: ${percentWords(longest.ns, sum)} of the ${durationWords(sum)} that callers waited for answers.`;
  return {
    text,
    clientMs: waitedClientNs / nsPerMs,
    networkMs: waitedNetworkNs / nsPerMs,
    serverMs: waitedServerNs / nsPerMs,
    handshakeMs: handshakeNs / nsPerMs,
  };
}

function ended({ endedBy, connections }: WholeFacts, findings: readonly Finding[]): Verdict['ended'] {
  const { client: byClient, server: byServer, network: byNetwork, none: open } = endedBy;
  const parts: string[] = [];
  if (byServer > 0) parts.push(`the server ended ${countWords(byServer)}`);
  if (byClient > 0) parts.push(`the client ${parts.length === 0 ? 'ended ' : ''}${countWords(byClient)}`);
  if (byNetwork > 0) parts.push(`${countWords(byNetwork)} died in the network`);
  if (open > 0) parts.push(`${countWords(open)} ${open === 1 ? 'was' : 'were'} still open`);
  const list = listWords(parts);
  const forged = findings.reduce((all, { rule, count }) => (rule === 'forged-reset' ? all + count : all), 0);
  const note =
    forged === 0
      ? null
      : `${countWords(forged)} of them ${forged === 1 ? 'was' : 'were'} really ended by a box in between, in the name of another.`;
  const text =
    connections === 0
      ? 'There was no connection.'
      : `Of ${counted(connections, 'connection')}, ${list}.${note === null ? '' : ` ${note}`}`;
  return { text, note, byClient, byServer, byNetwork, open };
}

const closingRules: ReadonlySet<string> = new Set([
  'stale-reuse',
  'reuse-after-fin',
  'request-after-close',
  'closed-without-answer',
  'cut-while-waiting',
  'server-died',
  'response-cut',
  'response-lost-to-reset',
  'pipeline-tail-dropped',
  'half-close-dropped',
  'forged-reset',
  'silent-drop',
]);
const networkRules: ReadonlySet<string> = new Set([
  'silent-drop',
  'forged-reset',
  'probes-unanswered',
  'no-answer',
  'slow-network',
  'lost-opening',
]);

/** Reuse saved as many handshakes as there were. */
const isReused = ({ httpConnections, requests }: ServerFacts): boolean => httpConnections > 0 && requests >= 2 * httpConnections;

function notTheCause(findings: readonly Finding[], whole: WholeFacts): readonly NotTheCause[] {
  const told: NotTheCause[] = [];
  const bad = findings.filter(({ level }) => level === 'bad' || level === 'warning');
  const tell = (code: NotTheCause['code'], text: string): void => {
    told.push({ code, text });
  };
  if (whole.requests > 0 && !bad.some(({ rule }) => closingRules.has(rule))) {
    tell('connections-fine', 'Not the closing of connections: no request met a close, and no response was cut.');
  }
  const waitedNs = whole.waitedClientNs + whole.waitedNetworkNs + whole.waitedServerNs;
  const mostlyNetwork = whole.waitedNetworkNs > waitedNs / 2;
  if (whole.requests > 0 && waitedNs > 0 && !mostlyNetwork && !bad.some(({ rule }) => networkRules.has(rule))) {
    tell(
      'network-fine',
      `Not the network: it took ${percentWords(whole.waitedNetworkNs, waitedNs)} of the waiting, and no connection died in it.`,
    );
  }
  if (whole.answered > 0 && !bad.some(({ rule }) => rule === 'slow-server')) {
    tell(
      'server-fast',
      `Not a slow server: an answer took ${durationWords(whole.waitedServerNs / whole.answered)} of server time on average.`,
    );
  }
  const errors = whole.statusClasses[5]! - whole.badGateways - whole.gatewayTimeouts;
  if (errors > 0) {
    tell(
      'server-errors',
      `${counted(errors, 'response')} with a 5xx status came whole from the server: the application answered so; the connections did not fail.`,
    );
  }
  const gateway = whole.badGateways + whole.gatewayTimeouts;
  if (gateway > 0) {
    tell(
      'gateway-errors',
      `${counted(gateway, 'response')} with status 502 or 504: a proxy speaks of the connection behind it. Capture between the proxy and its upstream to see why.`,
    );
  }
  if (whole.reusedConnections > 0 && whole.servers.entries.some(isReused)) {
    tell(
      'reuse-fine',
      `Not missing reuse: ${countWords(whole.requests)} requests took ${counted(whole.connections, 'connection')}.`,
    );
  }
  const { encrypted, http2 } = whole;
  if (encrypted > 0) {
    tell(
      'encrypted',
      `${counted(encrypted, 'connection')} with TLS: opening, waiting and closing are judged, the requests inside cannot be seen.`,
    );
  }
  if (http2 > 0)
    tell('http-2', `${counted(http2, 'connection')} with HTTP/2: it has other rules for reuse and is not judged here.`);
  return told;
}

/** Shorter captures cannot show common idle timeouts. */
const shortCaptureNs = 5e9;

function limits(whole: WholeFacts): string[] {
  const told: string[] = [];
  const { connections, joinedLate, oneSided, withGaps, latestNs } = whole;
  if (connections === 0) return told;
  const span = latestNs - whole.earliestNs;
  if (span < shortCaptureNs) told.push(`The capture is ${durationWords(span)} long: longer idle timeouts cannot show in it.`);
  if (joinedLate > 0)
    told.push(`${counted(joinedLate, 'connection')} began before the capture: how they were opened is unknown.`);
  if (oneSided > 0)
    told.push(`Of ${counted(oneSided, 'connection')} only one side was captured: no answer can be told from a missing one.`);
  if (withGaps > 0)
    told.push(`On ${counted(withGaps, 'connection')} the capture misses bytes: requests and responses in the gaps are unknown.`);
  return told;
}
