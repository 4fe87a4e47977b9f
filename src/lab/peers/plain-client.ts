/**
 * A client on a bare socket: it does what it is told and nothing else. No pool, no retry, no look at the socket before it
 * sends; with `holdsOn` it keeps its side open when the server has closed, as a program does that is not reading.
 *
 * The answers are read by the wire layer, so it knows where each ends. One connection at a time, made when there is none.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { ResponseReader } from '../../wire/index.js';
import type { StepPlayer } from './client-main.js';
import type { Answer, Ask, ClientPart } from './step.js';
import { OpenSockets } from './watched-socket.js';

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly done: (answer: Answer) => void;
}

class PlainConnection {
  readonly socket: Socket;
  readonly #waiting: Asked[] = [];
  readonly #reader: ResponseReader;
  readonly #closesBack: boolean;
  /** Nothing more can be asked on it. */
  finished = false;

  constructor(socket: Socket, closesBack: boolean) {
    this.socket = socket;
    this.#closesBack = closesBack;
    let status = 0;
    let interim = false;
    let persists = true;
    this.#reader = new ResponseReader({
      manner: 'strict',
      handler: {
        answeredRequest: () => (this.#waiting[0] === undefined ? null : { method: this.#waiting[0].method, version: '1.1' }),
        onMessageStart: () => {},
        onHead: (head) => {
          status = head.status;
          interim = head.isInterim;
          persists = head.persistence.outcome === 'persists';
        },
        onBody: () => {},
        onTrailers: () => {},
        onMessageEnd: () => {
          if (interim) return;
          if (!persists) this.finished = true;
          const asked = this.#waiting.shift();
          asked?.done({ path: asked.path, status, error: null });
        },
        onProblem: ({ code }) => this.#fail(code),
        onSkipped: () => {},
        onTunnel: () => {},
      },
    });
    socket.on('data', (data) => this.#reader.receive(data));
    socket.once('end', () => this.#end());
    socket.on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? error.message));
    socket.once('close', () => this.#fail('closed'));
  }

  send(text: string, asked: readonly Omit<Asked, 'done'>[]): Promise<Answer[]> {
    const answers = asked.map((one) => new Promise<Answer>((done) => this.#waiting.push({ ...one, done })));
    this.socket.write(text, 'latin1');
    return Promise.all(answers);
  }

  #end(): void {
    this.finished = true;
    this.#reader.end();
    this.#fail('end of stream');
    if (this.#closesBack) this.socket.end();
  }

  #fail(error: string): void {
    this.finished = true;
    for (const asked of this.#waiting.splice(0)) asked.done({ path: asked.path, status: null, error });
  }
}

export function plainClient({ address, port, settings }: ClientPart): StepPlayer {
  const sockets = new OpenSockets();
  let current: PlainConnection | null = null;
  const connection = async (): Promise<PlainConnection> => {
    if (current !== null && !current.finished) return current;
    const socket = connect({ host: address, port, noDelay: true, allowHalfOpen: true });
    if (settings.probes !== null) socket.setKeepAlive(true, settings.probes.idleMs);
    await once(socket, 'connect');
    sockets.add(socket);
    current = new PlainConnection(socket, !settings.holdsOn);
    return current;
  };
  const { version, keepAlive } = settings;
  const headOf = ({ path, method = 'GET', body, last }: Ask): string => {
    const persists = keepAlive && last !== true;
    const option = version === '1.0' ? (persists ? 'keep-alive' : null) : persists ? null : 'close';
    const lines = [`${method} ${path} HTTP/${version}`, `Host: ${address}:${port}`];
    if (option !== null) lines.push(`Connection: ${option}`);
    if (body !== undefined) lines.push('Content-Type: application/json', `Content-Length: ${body.length}`);
    return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`;
  };
  const failed = (path: string, error: unknown): Answer => ({
    path,
    status: null,
    error: (error as NodeJS.ErrnoException).code ?? String(error),
  });
  const send = async (text: string, asks: readonly Ask[]): Promise<Answer[]> => {
    try {
      return await (await connection()).send(
        text,
        asks.map(({ path, method = 'GET' }) => ({ path, method })),
      );
    } catch (error) {
      return asks.map(({ path }) => failed(path, error));
    }
  };
  return {
    ask: async (ask) => (await send(headOf(ask), [ask]))[0]!,
    pipelined: (asks) => send(asks.map(headOf).join(''), asks),
    bytes: (text) => send(text, [{ path: '' }]),
    untilClosed: (mostMs) => sockets.allEnded(mostMs),
    leave: async () => {
      const leaving = current?.socket;
      current = null;
      if (leaving === undefined || leaving.closed) return;
      leaving.end();
      await Promise.race([once(leaving, 'close'), new Promise((done) => setTimeout(done, 1000))]);
    },
  };
}
