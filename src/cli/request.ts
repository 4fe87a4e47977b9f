/**
 * `holdfast request`: sends requests with our client and tells what goes on. Bodies go to standard output, all talk to standard error.
 *
 * The talk is request-talk.ts, the table of times request-timing.ts, failures request-failure.ts; here is the order of things: how many
 * requests, how many at a time, when again, and what is said at the end.
 */
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type ClientOptions, HoldfastError, type RequestBody } from '../engine/index.js';
import type { Streams } from './command-context.js';
import { CommandFailure, exitCodes } from './failure.js';
import { failureLines, unreachableCodes } from './request-failure.js';
import { jsonOf, type Outcome, send } from './request-send.js';
import { reuseLines } from './request-story.js';
import { harmless, RequestTalk } from './request-talk.js';
import { timingLines } from './request-timing.js';
import { terminalStyle } from './terminal-style.js';

export interface RequestOptions {
  readonly request?: string;
  readonly header?: readonly string[];
  readonly data?: readonly string[];
  readonly uploadFile?: string;
  readonly output?: string;
  readonly include?: true;
  readonly head?: true;
  readonly insecure?: true;
  readonly maxTime?: number;
  readonly fail?: true;
  readonly silent?: true;
  readonly 'http1.0'?: true;
  readonly keepalive: boolean;
  readonly sleep: number;
  readonly count: number;
  readonly retry: number;
  readonly pipeline: number;
  readonly parallel: number;
  readonly dump?: true;
  readonly raw?: true;
  readonly exact?: true;
  readonly unread?: true;
  readonly json?: true;
  readonly ascii?: true;
  readonly columns?: number;
}

export async function request(urls: readonly string[], options: RequestOptions, streams: Streams): Promise<number> {
  const targets = urls.map(urlOf);
  const say = (line: string): void => {
    if (options.silent !== true) streams.messages.write(`${line}\n`);
  };
  if (options.raw === true) return raw(targets, options, streams, say);
  if (options.unread === true) return unread(targets, options, streams, say);

  const style = terminalStyle(options, streams.messages, streams.environment);
  const talk = new RequestTalk({
    say,
    numbered: options.parallel > 1,
    dump: options.dump === true,
    heads: true,
  });
  const client = new Client(clientOptions(options, talk));
  const file = options.output === undefined || options.output === '-' ? null : await openFile(options.output);
  // Whoever reads the bodies may go away (`| head`): then nothing more is asked for.
  const gone = new AbortController();
  for (const event of ['error', 'close']) (file ?? streams.screen).once(event, () => gone.abort());
  const outcomes = await sendAll(targets, options, { streams, talk, client, file, say, gone: gone.signal });
  const isGone = gone.signal.aborted;
  if (file !== null) await new Promise((resolve) => file.end(resolve));
  const retries = client.statistics().reduce((sum, each) => sum + each.retries, 0);
  talk.finish();
  await client.close();

  say('');
  for (const line of timingLines(outcomes, style)) say(line);
  for (const line of reuseLines(talk.connections, outcomes, retries, style)) say(line);
  if (options.json === true) streams.output.line(JSON.stringify(jsonOf(outcomes, talk.connections)));
  if (file?.errored != null) throw new CommandFailure('output-failed', `cannot write ${options.output}: ${file.errored.message}`);
  return isGone ? exitCodes.fine : exitCodeOf(outcomes, options);
}

/** Without a scheme it is http, as with curl. */
function urlOf(text: string): URL {
  const full = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : null;
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return url;
  throw new CommandFailure('bad-usage', `${text} is not a URL of http or https`);
}

function clientOptions(options: RequestOptions, talk: RequestTalk): ClientOptions {
  return {
    connections: options.parallel,
    pipelining: options.pipeline,
    keepAlive: options.keepalive,
    version: options['http1.0'] === true ? '1.0' : '1.1',
    observer: talk.observe,
    witness: talk.witness,
    // A sleep may be long: whether the connection lives that long is what one wants to see.
    idleMs: Math.max(30_000, options.sleep * 2),
    ...(options.insecure === true && { tls: { rejectUnauthorized: false } }),
    ...(options.maxTime !== undefined && { timeouts: { totalMs: options.maxTime } }),
  };
}

interface Sending {
  readonly streams: Streams;
  readonly talk: RequestTalk;
  readonly client: Client;
  readonly file: WriteStream | null;
  readonly say: (line: string) => void;
  /** Aborts when nobody takes the bodies any more. */
  readonly gone: AbortSignal;
}

/** The URLs one after another, so often, as many at a time as connections and pipelines carry. */
async function sendAll(urls: readonly URL[], options: RequestOptions, sending: Sending): Promise<Outcome[]> {
  const jobs = Array.from({ length: options.count }, () => urls).flat();
  const body = await bodyOf(options);
  const outcomes: Outcome[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let isFirst = true; next < jobs.length && !sending.gone.aborted; isFirst = false) {
      const number = next++;
      if (!isFirst && options.sleep > 0) await sleep(options.sleep);
      outcomes[number] = await sendWithRetry(number, jobs[number]!, body, options, sending);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs.length, options.parallel * options.pipeline) }, work));
  return outcomes;
}

const idempotent = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);
/** Between tries, at first; then twice as long, as curl does. */
const firstRetryAfterMs = 1_000;
const longestRetryAfterMs = 60_000;

async function sendWithRetry(
  number: number,
  url: URL,
  body: Body | null,
  options: RequestOptions,
  sending: Sending,
): Promise<Outcome> {
  const { talk, say } = sending;
  const method =
    options.request ??
    (options.head === true ? 'HEAD' : options.uploadFile !== undefined ? 'PUT' : body === null ? 'GET' : 'POST');
  for (let attempt = 0; ; attempt++) {
    const { streams, client, file, gone } = sending;
    const outcome = await send(
      {
        number,
        url,
        method,
        fields: fieldsOf(options, body),
        body: body?.make() ?? null,
        showHead: options.include === true || options.head === true,
        showBody: options.json !== true,
        together: options.parallel * options.pipeline > 1,
      },
      { client, talk, screen: file ?? streams.screen, isFile: file !== null, gone },
    );
    if (outcome.error === null || gone.aborted) return outcome;
    const { error } = outcome;
    const on = outcome.connection === null ? null : { ...outcome.connection, number: outcome.connection.shown };
    for (const line of failureLines({ error, url: url.href, on })) say(line);
    const mayRepeat = (idempotent.has(method) || unreachableCodes.has(error.code)) && body?.once !== true;
    if (attempt >= options.retry) return outcome;
    if (!mayRepeat) {
      talk.note('Not sent again: the server may have done what it asks for (RFC 9110 §9.2.2)');
      return outcome;
    }
    const afterMs = options.sleep > 0 ? options.sleep : Math.min(longestRetryAfterMs, firstRetryAfterMs * 2 ** attempt);
    talk.note(`Will retry in ${afterMs / 1000} seconds. ${options.retry - attempt} retries left.`);
    await sleep(afterMs);
  }
}

interface Body {
  readonly make: () => RequestBody;
  /** It can be sent once only. */
  readonly once: boolean;
  readonly byteCount: number | null;
  readonly type: string | null;
}

/** Between the parts of a body, as curl puts it. */
const ampersand = 0x26;

async function bodyOf({ data, uploadFile }: RequestOptions): Promise<Body | null> {
  if (data !== undefined && uploadFile !== undefined)
    throw new CommandFailure('bad-usage', 'choose one of --data and --upload-file');
  if (uploadFile === '-') return { make: () => process.stdin, once: true, byteCount: null, type: null };
  if (uploadFile !== undefined) {
    const { size } = await readable(uploadFile, async (path) => (await import('node:fs/promises')).stat(path));
    return { make: () => createReadStream(uploadFile), once: false, byteCount: size, type: null };
  }
  if (data === undefined) return null;
  const parts = await Promise.all(
    data.map(async (part) => (part.startsWith('@') ? readable(part.slice(1), (path) => readFile(path)) : Buffer.from(part))),
  );
  const bytes = Buffer.concat(parts.flatMap((part, index) => (index === 0 ? [part] : [Buffer.of(ampersand), part])));
  return { make: () => bytes, once: false, byteCount: null, type: 'application/x-www-form-urlencoded' };
}

async function readable<Value>(path: string, read: (path: string) => Promise<Value>): Promise<Value> {
  try {
    return await read(path);
  } catch (cause) {
    throw new CommandFailure('unreadable-input', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** As curl has them, in its order; a field of the user's takes the place of ours, and `Name:` removes it. */
function fieldsOf({ header = [] }: RequestOptions, body: Body | null): [string, string][] {
  const given = header.map((line): [string, string] => {
    const colon = line.indexOf(':');
    if (colon < 1) throw new CommandFailure('bad-usage', `a field is "Name: value", not "${line}"`);
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
  const usual: [string, string][] = [
    ['User-Agent', 'holdfast'],
    ['Accept', '*/*'],
  ];
  if (body?.type != null) usual.push(['Content-Type', body.type]);
  if (body?.byteCount != null) usual.push(['Content-Length', String(body.byteCount)]);
  const isGiven = (name: string): boolean => given.some(([each]) => each.toLowerCase() === name.toLowerCase());
  return [...usual.filter(([name]) => !isGiven(name)), ...given.filter(([, value]) => value !== '')];
}

async function openFile(path: string): Promise<WriteStream> {
  const file = createWriteStream(path);
  try {
    await new Promise((resolve, reject) => file.once('open', resolve).once('error', reject));
    return file;
  } catch (cause) {
    throw new CommandFailure('output-failed', `cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** 2 when nothing could be reached at all. */
function exitCodeOf(outcomes: readonly Outcome[], { fail }: RequestOptions): number {
  const isUnreachable = ({ error }: Outcome): boolean => error !== null && unreachableCodes.has(error.code);
  if (outcomes.every(isUnreachable)) return exitCodes.failed;
  const isBad = ({ error, status }: Outcome): boolean => error !== null || (fail === true && (status ?? 0) >= 400);
  return outcomes.some(isBad) ? exitCodes.findings : exitCodes.fine;
}

const only = (urls: readonly URL[], option: string): URL => {
  if (urls.length === 1) return urls[0]!;
  throw new CommandFailure('bad-usage', `${option} takes one URL`);
};

async function raw(
  urls: readonly URL[],
  options: RequestOptions,
  { screen }: Streams,
  say: (line: string) => void,
): Promise<number> {
  const { talkRaw } = await import('./request-raw.js');
  const { dumpLines } = await import('./request-talk.js');
  const ending = await talkRaw(only(urls, '--raw'), {
    input: process.stdin,
    exact: options.exact === true,
    insecure: options.insecure === true,
    maxMs: options.maxTime ?? Number.POSITIVE_INFINITY,
    say,
    take: (data) => void screen.write(screen.isTTY === true ? harmless(data) : data),
    dump: options.dump === true ? (from, data) => dumpLines(from, data, 0, say) : null,
  });
  if (ending === 'refused') return exitCodes.failed;
  return ending === 'answered' || ending === 'server-closed' ? exitCodes.fine : exitCodes.findings;
}

async function unread(
  urls: readonly URL[],
  options: RequestOptions,
  _streams: Streams,
  say: (line: string) => void,
): Promise<number> {
  const { requestUnread } = await import('./request-unread.js');
  const url = only(urls, '--unread');
  try {
    const { count, sleep: sleepMs, insecure } = options;
    const ports = await requestUnread(url, { count, sleepMs, insecure: insecure === true, say });
    const connections = new Set(ports).size;
    say(
      `* ${ports.length} requests on ${connections} connections: a connection whose response is not read to its end takes no further request`,
    );
    return exitCodes.fine;
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'connect-refused' : 'connect-failed';
    const error = new HoldfastError(code, { cause, detail: (cause as Error).message });
    for (const line of failureLines({ error, url: url.href, on: null })) say(line);
    return exitCodes.failed;
  }
}
