/**
 * A client connection in the hand: it opens, asks and closes exactly when told, and knows its port and its start. It reads answers
 * to their framed end (Content-Length, chunked, no body) and never closes by itself.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectEncrypted } from 'node:tls';

export type Outcome = 'answered' | 'lost';

export interface Request {
  readonly method?: string;
  readonly fields?: string;
  readonly body?: string;
}

export interface LineOptions {
  readonly host?: string;
  /** Address of the client. */
  readonly from?: string;
  /** Through TLS, whoever the server is. */
  readonly encrypted?: boolean;
}

const complete = (text: string): boolean => {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return false;
  const head = text.slice(0, headEnd);
  if (/^HTTP\/1\.1 (204|304)/.test(head)) return true;
  if (/transfer-encoding: *chunked/i.test(head)) return text.endsWith('\r\n0\r\n\r\n');
  const length = /content-length: *(\d+)/i.exec(head)?.[1];
  return length !== undefined && text.length >= headEnd + 4 + Number(length);
};

export function requestText(path: string, { method = 'GET', fields = '', body }: Request = {}): string {
  const length = body === undefined ? '' : `Content-Length: ${body.length}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nHost: service.test\r\n${fields}${length}\r\n${body ?? ''}`;
}

export class Line {
  /** The other side has closed, or the connection is gone. */
  over = false;
  #received = '';
  #done: ((outcome: Outcome) => void) | null = null;

  private constructor(
    readonly socket: Socket,
    readonly serverPort: number,
    readonly clientPort: number,
    readonly startedAtMs: number,
  ) {
    socket.on('data', (bytes) => {
      this.#received += bytes.toString('latin1');
      if (complete(this.#received)) this.#settle('answered');
    });
    const gone = () => {
      this.over = true;
      this.#settle('lost');
    };
    socket.on('end', gone);
    socket.on('close', gone);
    socket.setNoDelay(true);
  }

  static async open(serverPort: number, { host = '127.0.0.1', from, encrypted = false }: LineOptions = {}): Promise<Line> {
    const startedAtMs = Date.now();
    const to = { port: serverPort, host, allowHalfOpen: true, ...(from === undefined ? {} : { localAddress: from }) };
    const socket = encrypted ? connectEncrypted({ ...to, rejectUnauthorized: false }) : connect(to);
    socket.on('error', () => {});
    await once(socket, encrypted ? 'secureConnect' : 'connect');
    return new Line(socket, serverPort, socket.localPort!, startedAtMs);
  }

  /** Sends bytes as they are and waits for one whole answer, or for the end. */
  async send(text: string): Promise<Outcome> {
    this.#received = '';
    const outcome = new Promise<Outcome>((done) => {
      this.#done = done;
    });
    if (this.socket.destroyed) return 'lost';
    this.socket.write(text);
    if (this.over) {
      // Node does not look at a socket any more whose end it has seen: the reset passes unheard.
      await new Promise((done) => setTimeout(done, 60));
      return 'lost';
    }
    return await outcome;
  }

  ask(path = '/', request: Request = {}): Promise<Outcome> {
    return this.send(requestText(path, request));
  }

  /** Resolves when the other side has closed. */
  async closedByPeer(): Promise<void> {
    if (this.over) return;
    await new Promise<void>((done) => {
      this.socket.once('end', done);
      this.socket.once('close', () => done());
    });
  }

  async leave(): Promise<void> {
    if (this.socket.destroyed) return;
    const closed = once(this.socket, 'close');
    this.socket.end();
    const patience = setTimeout(() => this.socket.destroy(), 3000);
    await closed;
    clearTimeout(patience);
  }

  #settle(outcome: Outcome): void {
    const done = this.#done;
    this.#done = null;
    done?.(outcome);
  }
}
