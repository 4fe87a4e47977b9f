/** A request that failed, for people: what happened, whose fault it is, and where to look next. */
import type { ErrorCode, HoldfastError } from '../engine/index.js';

export interface FailedRequest {
  readonly error: HoldfastError;
  readonly url: string;
  /** Of the connection that it failed on; null when there was none. */
  readonly on: {
    readonly number: number;
    readonly requestNumber: number;
    readonly idleGapMs: number;
    readonly localPort: number;
  } | null;
}

/** Nothing could be sent to anybody. */
export const unreachableCodes: ReadonlySet<ErrorCode> = new Set([
  'name-not-found',
  'connect-refused',
  'connect-timeout',
  'connect-failed',
  'tls-failed',
  'tls-timeout',
  'proxy-refused',
  'proxy-timeout',
] satisfies ErrorCode[]);

const faultWords = {
  client: "the client's",
  server: "the server's",
  network: "the network's, or of what lies between",
  caller: 'of how it was asked for',
  us: "Holdfast's own",
} as const;

/** Lines of text, the first with the name of the error. */
export function failureLines({ error, url, on }: FailedRequest): string[] {
  const { host, port } = new URL(url);
  const place = port === '' ? host : `port ${port}`;
  const lines = [`${error.code}: ${error.message}`, `  Fault: ${faultWords[error.fault]}.`];
  if (on !== null) {
    const gap = on.idleGapMs > 0 ? `, after ${(on.idleGapMs / 1000).toFixed(2)} s idle` : '';
    lines.push(`  It was request ${on.requestNumber} on connection #${on.number} (our port ${on.localPort})${gap}.`);
  }
  for (const advice of adviceOf(error.code, on, place)) lines.push(`  Next: ${advice}`);
  return lines;
}

function adviceOf(code: ErrorCode, on: FailedRequest['on'], place: string): string[] {
  const capture = `holdfast capture -w look.pcapng '${place.startsWith('port ') ? place : `host ${place}`}', once more, then holdfast explain look.pcapng`;
  switch (code) {
    case 'closed-before-response':
    case 'reset-before-response':
      return on !== null && on.requestNumber > 1
        ? [
            `a stale reuse, most likely: the server closes idle connections after about ${(on.idleGapMs / 1000).toFixed(1)} s or less. Keep the client's idle timeout below the server's.`,
            capture,
          ]
        : [
            'it was a fresh connection, so no idle timeout: the server, or a proxy before it, dropped this very request. Look into its error log at this second.',
            capture,
          ];
    case 'response-cut':
    case 'response-reset':
      return ['the server died or gave up within the response: its log at this second, its send timeout, its memory.', capture];
    case 'response-head-timeout':
    case 'request-total-timeout':
      return ['the same with a longer --max-time; where it is slow each time, the server or what stands behind it is.', capture];
    case 'connect-refused':
      return [`nobody listens there: holdfast sockets on the server shows who listens at which address and port.`];
    case 'connect-timeout':
    case 'connect-failed':
    case 'server-unreachable':
      return ['a firewall that drops, a wrong address, or a host that is down.', capture];
    case 'name-not-found':
      return ['the spelling of the name, and the resolver of this host.'];
    case 'tls-failed':
      return ['the certificate, its names and its dates; --insecure goes on without judging it.'];
    case 'response-refused':
      return ['--dump shows the bytes as they came.'];
    default:
      return [];
  }
}
