/** One request: sent, its body written on as it comes, and what became of it as a value. */
import type { Writable } from 'node:stream';
import {
  type Client,
  type Exchange,
  type ExchangeConnection,
  type ExchangeTimings,
  HoldfastError,
  type RequestBody,
} from '../engine/index.js';
import { escapeText } from '../view/index.js';
import { harmless, type RequestTalk, type TalkedConnection } from './request-talk.js';
import type { TimedRequest } from './request-timing.js';

export interface Outcome extends TimedRequest {
  readonly url: string;
  readonly method: string;
  readonly status: number | null;
  readonly bodyByteCount: number;
  readonly attempts: number;
  readonly error: HoldfastError | null;
}

export interface ToSend {
  readonly number: number;
  readonly url: URL;
  readonly method: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: RequestBody | null;
  readonly showHead: boolean;
  readonly showBody: boolean;
  /** Other bodies come at the same time: this one is written when it is whole. */
  readonly together: boolean;
}

interface Means {
  readonly client: Client;
  readonly talk: RequestTalk;
  readonly screen: Writable & { readonly isTTY?: boolean };
  readonly isFile: boolean;
  /** Aborts when nobody takes the bodies any more. */
  readonly gone: AbortSignal;
}

/** Bytes of bodies that come together and are gathered; what is behind is written at once. */
const gatheredByteLimit = 4 * 1024 * 1024;

/** Never rejects for what the network does. */
export function send(what: ToSend, { client, talk, screen, isFile, gone }: Means): Promise<Outcome> {
  return new Promise((resolve) => {
    let exchange: Exchange | null = null;
    let status: number | null = null;
    let bodyByteCount = 0;
    let attempts = 0;
    let gathered: Buffer[] = [];
    let gatheredByteCount = 0;
    let isBinary: boolean | null = null;
    const toTerminal = screen.isTTY === true && !isFile;

    /** False: wait for `drain`. */
    const write = (data: Uint8Array): boolean => {
      if (!toTerminal) return screen.write(data);
      if (isBinary === null) {
        isBinary = data.includes(0);
        if (isBinary) talk.note('The body is binary, which a terminal cannot show; -o writes it to a file');
      }
      return isBinary || screen.write(harmless(data));
    };
    const flush = (): void => {
      if (gathered.length > 0) write(Buffer.concat(gathered));
      gathered = [];
      gatheredByteCount = 0;
    };
    const ended = (error: HoldfastError | null): void => {
      flush();
      const info = exchange?.connectionInfo ?? null;
      const talked = info === null ? undefined : talk.ofPort(info.localPort);
      if (error === null && info !== null) talk.exchangeEnded(info.localPort);
      if (error !== null) talk.notConnected(error, what.url);
      resolve({
        ...{ number: what.number, url: what.url.href, method: what.method, status, bodyByteCount, attempts, error },
        connection: info === null ? null : { ...info, shown: talked?.number ?? info.number - 1 },
        outcome: error === null ? String(status) : 'fail',
        timings: exchange?.timings ?? null,
      });
    };
    try {
      exchange = client.exchange(
        {
          url: what.url,
          method: what.method,
          fields: what.fields,
          body: what.body,
          signal: gone,
        },
        {
          onSend() {
            attempts += 1;
            if (attempts > 1) talk.note(`Connection died, retrying a fresh connect (retry count: ${attempts - 1})`);
          },
          onHead(head) {
            status = head.status;
            if (!what.showHead) return;
            const lines = [
              `HTTP/${head.version} ${head.status} ${head.reason}`,
              ...head.fields.lines().map((line) => line.join(': ')),
            ];
            screen.write(`${lines.map((line) => escapeText(line)).join('\r\n')}\r\n\r\n`);
          },
          onBody(data, start, end) {
            bodyByteCount += end - start;
            if (!what.showBody) return true;
            const piece = Buffer.from(data.subarray(start, end));
            if (what.together && gatheredByteCount + piece.length <= gatheredByteLimit) {
              gathered.push(piece);
              gatheredByteCount += piece.length;
              return true;
            }
            flush();
            if (write(piece)) return true;
            screen.once('drain', () => exchange?.resume());
            return false;
          },
          onEnd: () => ended(null),
          onError: ended,
        },
      );
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      ended(error);
    }
  });
}

/** What `--json` prints. Times in milliseconds. */
export function jsonOf(outcomes: readonly Outcome[], connections: readonly TalkedConnection[]): object {
  const timesOf = (timings: ExchangeTimings | null): object | null => {
    if (timings === null) return null;
    const { startedAtMs, ...rest } = timings;
    return { startedAt: new Date(performance.timeOrigin + startedAtMs).toISOString(), ...rest };
  };
  const placeOf = (on: (ExchangeConnection & { shown: number }) | null): object | null => {
    if (on === null) return null;
    const { shown, number: _, ...rest } = on;
    return { number: shown, ...rest };
  };
  return {
    schema: 'holdfast.request.v1',
    requests: outcomes.map(({ url, method, status, bodyByteCount, attempts, error, connection, timings }) => ({
      ...{ url, method, status, bodyByteCount, attempts, connection: placeOf(connection), timings: timesOf(timings) },
      error: error === null ? null : { code: error.code, fault: error.fault, text: error.message },
    })),
    connections: connections.map(({ number, host, localPort, requests, responses, over }) => ({
      ...{ number, host, localPort, requests, responses, whyOver: over },
    })),
  };
}
