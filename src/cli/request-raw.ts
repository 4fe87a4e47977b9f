/**
 * `request --raw`: bytes from standard input to the server and back, as with telnet, but for HTTP: a line end becomes CRLF, and after the
 * end of the input the connection is held until everything that was asked is answered, or the server closes.
 */
import { connect, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { type AnsweredRequest, RequestReader, type ResponseHandler, ResponseReader } from '../wire/index.js';
import { systemText } from './request-talk.js';

export interface RawOptions {
  readonly input: Readable;
  /** Send the bytes as they are. */
  readonly exact: boolean;
  readonly insecure: boolean;
  readonly maxMs: number;
  readonly say: (line: string) => void;
  /** Takes what came. */
  readonly take: (data: Buffer) => void;
  readonly dump: ((from: 'client' | 'server', data: Buffer) => void) | null;
}

/** How it ended. `refused`: there was no connection. */
export type RawEnding = 'answered' | 'server-closed' | 'reset' | 'timeout' | 'refused';

export function talkRaw(url: URL, options: RawOptions): Promise<RawEnding> {
  return new Promise((resolve) => new RawTalk(url, options, resolve).begin());
}

class RawTalk {
  private readonly socket: Socket;
  private readonly asked: AnsweredRequest[] = [];
  private readonly requests: RequestReader;
  private readonly responses: ResponseReader;
  private requestsEnded = 0;
  private responsesEnded = 0;
  private interim = false;
  private inputEnded = false;
  private over = false;
  private connected = false;
  private lastWasReturn = false;
  private silentSinceMs = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly url: URL,
    private readonly options: RawOptions,
    private readonly ended: (ending: RawEnding) => void,
  ) {
    const isTls = url.protocol === 'https:';
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
    this.socket = isTls
      ? connectTls({ host, port, rejectUnauthorized: !options.insecure, ALPNProtocols: ['http/1.1'] })
      : connect({ host, port, noDelay: true, allowHalfOpen: true });
    const ignore = { onMessageStart() {}, onBody() {}, onTrailers() {}, onProblem() {}, onSkipped() {}, onTunnel() {} };
    this.requests = new RequestReader({
      manner: 'observing',
      handler: {
        ...ignore,
        onHead: ({ method, version }) => void this.asked.push({ method, version }),
        onMessageEnd: () => void this.requestsEnded++,
      },
    });
    const handler: ResponseHandler = {
      ...ignore,
      answeredRequest: () => this.asked[this.responsesEnded] ?? null,
      onHead: ({ isInterim }) => {
        this.interim = isInterim;
      },
      onMessageEnd: () => {
        if (!this.interim) this.responsesEnded++;
        this.interim = false;
      },
    };
    this.responses = new ResponseReader({ manner: 'observing', handler });
  }

  begin(): void {
    const { socket, url, options } = this;
    const { say, input, maxMs } = options;
    if (maxMs !== Number.POSITIVE_INFINITY)
      this.timer = setTimeout(() => this.end('timeout', `Operation timed out after ${maxMs} ms`), maxMs);
    socket.on('connectionAttempt', (address: string, port: number) => say(`*   Trying ${address}:${port}...`));
    socket.once(url.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
      this.connected = true;
      say(
        `* Connected to ${url.hostname} (${socket.remoteAddress}) port ${socket.remotePort} (#0), from port ${socket.localPort}`,
      );
      if (!options.exact) say('* Line ends are sent as CRLF; an empty line ends the head of a request');
      this.silentSinceMs = performance.now();
      input.on('data', this.send);
      input.on('end', this.inputEnd);
    });
    socket.on('data', (data: Buffer) => this.receive(data));
    socket.on('end', () => {
      const idle = ((performance.now() - this.silentSinceMs) / 1000).toFixed(2);
      this.responses.end(true);
      this.end('server-closed', `The server closed the connection (FIN), ${idle} s after the last byte in either direction`);
    });
    socket.on('error', (error) => {
      this.end(
        this.connected ? 'reset' : 'refused',
        this.connected ? `Recv failure: ${systemText(error)}` : `Failed to connect: ${systemText(error)}`,
      );
    });
  }

  private readonly send = (data: Buffer): void => {
    const bytes = this.options.exact ? data : this.withLineEnds(data);
    this.silentSinceMs = performance.now();
    this.options.dump?.('client', bytes);
    this.requests.receive(bytes, 0, bytes.length);
    this.socket.write(bytes);
  };

  /** A LF alone becomes CRLF, also where a CR was the last byte of the piece before. */
  private withLineEnds(data: Buffer): Buffer {
    const text = data.toString('latin1');
    const fixed = text.replace(/\n/g, (_, at: number) =>
      (at === 0 ? this.lastWasReturn : text[at - 1] === '\r') ? '\n' : '\r\n',
    );
    this.lastWasReturn = text.endsWith('\r');
    return Buffer.from(fixed, 'latin1');
  }

  private receive(data: Buffer): void {
    this.silentSinceMs = performance.now();
    this.options.dump?.('server', data);
    this.options.take(data);
    this.responses.receive(data, 0, data.length);
    this.closeIfAnswered();
  }

  private readonly inputEnd = (): void => {
    this.inputEnded = true;
    if (this.requestsEnded === 0)
      this.options.say('* The input has ended without a whole request; waiting for the server to end it');
    this.closeIfAnswered();
  };

  private closeIfAnswered(): void {
    if (!this.inputEnded || this.requestsEnded === 0 || this.responsesEnded < this.requestsEnded) return;
    const { requestsEnded } = this;
    this.end(
      'answered',
      `${requestsEnded} ${requestsEnded === 1 ? 'request is' : 'requests are'} answered; closing connection 0`,
    );
  }

  private end(ending: RawEnding, text: string): void {
    if (this.over) return;
    this.over = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.options.say(`* ${text}`);
    this.options.input.off('data', this.send).off('end', this.inputEnd);
    this.options.input.pause();
    this.socket.on('error', () => {});
    this.socket.destroySoon();
    this.ended(ending);
  }
}
