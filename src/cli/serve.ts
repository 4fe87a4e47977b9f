/** `holdfast serve`: runs the server for people until it is told to stop: what is said, the log, the keys and the signals. */
import { readFile } from 'node:fs/promises';
import { type AccessEntry, accessLogLine, HoldfastError, type Server, type TcpKeepAlive } from '../engine/index.js';
import { openSite, type SiteOptions } from '../lab/index.js';
import type { Streams } from './command-context.js';
import { CommandFailure, exitCodes } from './failure.js';

/** Bodies are counted, not kept. */
const bodyLimit = 1024 ** 3;

export interface ServeOptions {
  readonly port: number;
  readonly host: string;
  readonly keepAlive: boolean;
  readonly filesOnly?: true;
  readonly compress: boolean;
  readonly dotFiles?: true;
  readonly quiet?: true;
  readonly json?: true;
  readonly keepAliveTimeout?: number;
  readonly hintMargin?: number;
  readonly maxAge?: number;
  readonly firstRequestTimeout?: number;
  readonly headTimeout?: number;
  readonly bodyTimeout?: number;
  readonly responseTimeout?: number;
  readonly sendTimeout?: number;
  readonly lingerTimeout?: number;
  readonly tcpKeepAlive?: number;
  readonly tcpKeepAliveInterval?: number;
  readonly tcpKeepAliveCount?: number;
  readonly grace?: number;
  readonly keepAliveHint: 'always' | 'asked' | 'never';
  readonly maxRequests?: number;
  readonly maxConnections?: number;
  readonly whenFull: 'wait' | 'refuse';
  readonly pipelineDepth?: number;
  readonly maxBody?: number;
  readonly drain?: number;
  readonly serverName?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

export async function serve(folder: string | undefined, options: ServeOptions, streams: Streams): Promise<number> {
  const say = (text: string): void => void streams.messages.write(`${text}\n`);
  const onAccess = options.quiet === true ? {} : { onAccess: (entry: AccessEntry) => log(entry, options, streams) };
  const server = await opened({ ...(await siteOptions(folder, options)), ...onAccess }, options);
  if (!options.keepAlive) server.setKeepAlivesEnabled(false);
  say(
    `Listening at ${server.url}${folder === undefined ? '' : `, files of ${folder}`}. ${options.filesOnly === true ? '' : `${server.url}/routes lists the paths. `}Ctrl-C stops.`,
  );
  await untilStopped(server, options, say);
  const { connections, requests } = server.counts;
  say(
    `Stopped after ${requests} ${requests === 1 ? 'request' : 'requests'} on ${connections} ${connections === 1 ? 'connection' : 'connections'}.`,
  );
  return exitCodes.fine;
}

function log(entry: AccessEntry, { json }: ServeOptions, { output }: Streams): void {
  output.line(json === true ? JSON.stringify(entry) : accessLogLine(entry));
  // A log is read while it is written.
  void output.flush();
}

async function siteOptions(folder: string | undefined, options: ServeOptions): Promise<SiteOptions> {
  const settings = {
    port: options.port,
    host: options.host,
    folder: folder ?? null,
    routes: options.filesOnly !== true,
    compress: options.compress,
    dotFiles: options.dotFiles === true,
    idleTimeoutMs: options.keepAliveTimeout,
    idleHintMarginMs: options.hintMargin,
    maxAgeMs: options.maxAge,
    firstRequestTimeoutMs: options.firstRequestTimeout,
    headTimeoutMs: options.headTimeout,
    bodyTimeoutMs: options.bodyTimeout,
    responseTimeoutMs: options.responseTimeout,
    sendTimeoutMs: options.sendTimeout,
    lingerTimeoutMs: options.lingerTimeout,
    tcpKeepAlive: probesOf(options),
    keepAliveHint: options.keepAliveHint,
    maxRequestsPerConnection: options.maxRequests,
    maxConnections: options.maxConnections,
    whenFull: options.whenFull,
    pipelineDepth: options.pipelineDepth,
    bodyByteCount: options.maxBody ?? bodyLimit,
    drainByteCount: options.drain,
    serverName: options.serverName,
    tls: await tlsOf(options),
  };
  if (folder === undefined && options.filesOnly === true) throw new CommandFailure('bad-usage', '--files-only needs a folder');
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)) as SiteOptions;
}

function probesOf(options: ServeOptions): TcpKeepAlive | null | undefined {
  const { tcpKeepAlive = 45_000, tcpKeepAliveInterval: intervalMs, tcpKeepAliveCount: count } = options;
  if (tcpKeepAlive === Number.POSITIVE_INFINITY) return null;
  return { idleMs: tcpKeepAlive, ...(intervalMs !== undefined && { intervalMs }), ...(count !== undefined && { count }) };
}

async function tlsOf({ tlsCert, tlsKey }: ServeOptions): Promise<{ cert: Buffer; key: Buffer } | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new CommandFailure('bad-usage', 'HTTPS needs both --tls-cert and --tls-key');
  const [cert, key] = await Promise.all([tlsCert, tlsKey].map(readPem));
  return { cert: cert!, key: key! };
}

async function readPem(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new CommandFailure('unreadable-input', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

async function opened(site: SiteOptions, options: ServeOptions): Promise<Server> {
  try {
    return await openSite(site);
  } catch (error) {
    throw new CommandFailure('bad-usage', whyNot(error as Error, options, site.folder ?? ''), { cause: error });
  }
}

function whyNot(error: Error, { port, host }: ServeOptions, folder: string): string {
  const { code = '' } = ((error instanceof HoldfastError ? error.cause : error) ?? {}) as NodeJS.ErrnoException;
  if (error instanceof HoldfastError && error.code === 'listen-failed') {
    if (code === 'EADDRINUSE')
      return `port ${port} of ${host} is taken by another program (holdfast sockets :${port} says by whom); --port 0 takes a free one`;
    if (code === 'EACCES')
      return `this user may not listen at port ${port}: ports below 1024 need root, or choose another with --port`;
    if (code === 'EADDRNOTAVAIL') return `this machine has no address ${host}`;
    if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `the name ${host} has no address`;
    return `cannot listen at ${host}, port ${port}: ${(error.cause as Error).message}`;
  }
  if (code === 'ENOENT') return `there is no folder ${folder}`;
  if (code === 'EACCES') return `this user may not read ${folder}`;
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return error.message + cause;
}

/** Until a signal, the key q, or the end of who started it. A second signal does not wait for what is in work. */
async function untilStopped(server: Server, options: ServeOptions, say: (text: string) => void): Promise<void> {
  let keepAlive = options.keepAlive;
  const toggle = (): void => {
    keepAlive = !keepAlive;
    server.setKeepAlivesEnabled(keepAlive);
    say(keepAlive ? 'Keep-alive is on again.' : 'Keep-alive is off: every response from now on says Connection: close.');
  };
  await new Promise<void>((resolve) => {
    let stopping = false;
    const stop = (): void => {
      const graceMs = stopping ? 0 : (options.grace ?? 10_000);
      if (!stopping) {
        const { open, idle } = server.counts;
        if (open > idle) say(`Finishing what is in work on ${open - idle} of ${open} connections; again stops at once.`);
      }
      stopping = true;
      void server.stop({ graceMs, idleGraceMs: 0 }).then(done);
    };
    const endKeys = listenToKeys({ k: toggle, q: stop, '\u0003': stop });
    const done = (): void => {
      process.off('SIGINT', stop).off('SIGTERM', stop).off('SIGHUP', toggle);
      endKeys();
      resolve();
    };
    process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', toggle);
  });
}

function listenToKeys(keys: Readonly<Record<string, () => void>>): () => void {
  const { stdin } = process;
  if (!stdin.isTTY || !process.stderr.isTTY) return () => {};
  const press = (data: Buffer): void => {
    for (const key of data.toString('latin1')) keys[key]?.();
  };
  stdin.setRawMode(true);
  stdin.on('data', press);
  stdin.resume();
  return () => {
    stdin.off('data', press);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
