/**
 * What goes on while requests are sent, in the words of `curl -v`, so that who can read those can read these. Told from the engine's
 * observations and from its sockets; nothing is guessed.
 *
 * `*` is talk, `>` was sent, `<` came, `}` and `{` count bytes of bodies. With several connections at a time each line begins with its
 * connection's number. Wire text is escaped.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { FieldLine, Observation, Side } from '../base/index.js';
import type { ConnectionWitness, HoldfastError } from '../engine/index.js';
import { escapeName, escapeText, formatDuration } from '../view/index.js';

export interface TalkOptions {
  readonly say: (line: string) => void;
  /** Begin each line with the connection's number. */
  readonly numbered: boolean;
  /** Print bytes as they went. */
  readonly dump: boolean;
  /** Say heads; without it only the dump does. */
  readonly heads: boolean;
}

/** What is known of one connection, for the talk and for the reuse story at the end. */
export interface TalkedConnection {
  readonly number: number;
  readonly host: string;
  readonly localPort: number;
  requests: number;
  responses: number;
  /** Why it takes no further request, as far as said by now. */
  over: string | null;
  isClosed: boolean;
  answerBegun: boolean;
  lastEndAtNs: number;
}

export class RequestTalk {
  readonly connections: TalkedConnection[] = [];
  private finished = false;
  private readonly byPort = new Map<number, TalkedConnection>();
  private readonly byId = new Map<number, TalkedConnection>();

  constructor(private readonly options: TalkOptions) {}

  readonly witness: ConnectionWitness = {
    socket: (socket) => this.watch(socket),
    bytes: (socket, from, data) => this.bytes(socket, from, data),
  };

  note(text: string, connection?: TalkedConnection): void {
    this.line(connection, `* ${text}`);
  }

  /** The exchange on this connection has ended well. */
  exchangeEnded(localPort: number): void {
    const connection = this.byPort.get(localPort);
    if (connection !== undefined && !connection.isClosed) {
      this.note(`Connection #${connection.number} to host ${escapeName(connection.host)} left intact`, connection);
    }
  }

  /** In curl's words, why there was no connection; nothing for other errors. */
  notConnected({ code, message, cause }: HoldfastError, { hostname, protocol, port }: URL): void {
    const host = escapeName(hostname);
    if (code === 'name-not-found') this.note(`Could not resolve host: ${host}`);
    else if (code === 'connect-refused' || code === 'connect-failed') {
      this.note(`Failed to connect to ${host} port ${port || (protocol === 'https:' ? 443 : 80)}: Couldn't connect to server`);
    } else if (code === 'tls-failed')
      this.note(`SSL certificate or handshake problem: ${cause instanceof Error ? escapeName(cause.message) : message}`);
    else if (code.endsWith('-timeout')) this.note(`Operation timed out: ${message}`);
  }

  /** All is done: what closes now closes because the client ends, which is not worth a word. */
  finish(): void {
    this.finished = true;
  }

  ofPort(localPort: number): TalkedConnection | undefined {
    return this.byPort.get(localPort);
  }

  private line(connection: TalkedConnection | undefined, text: string): void {
    this.options.say(this.options.numbered && connection !== undefined ? `#${connection.number} ${text}` : text);
  }

  private watch(socket: Socket): void {
    let host = '';
    socket.once('lookup', (_error, address, _family, name) => {
      host = name;
      if (name !== address && address !== undefined) this.note(`Host ${escapeName(name)} was resolved: ${address}`);
    });
    socket.on('connectionAttempt', (address: string, port: number) => this.note(`  Trying ${bracketed(address)}:${port}...`));
    socket.on('connectionAttemptFailed', (address: string, port: number, _family: number, error: NodeJS.ErrnoException) =>
      this.note(`connect to ${address} port ${port} failed: ${systemText(error)}`),
    );
    socket.once('connect', () => {
      const address = socket.remoteAddress ?? '';
      const connection: TalkedConnection = {
        ...{ number: this.connections.length, host: host || address, localPort: socket.localPort ?? 0 },
        ...{ requests: 0, responses: 0, over: null, isClosed: false, answerBegun: false, lastEndAtNs: 0 },
      };
      this.connections.push(connection);
      this.byPort.set(connection.localPort, connection);
      this.note(
        `Connected to ${escapeName(connection.host)} (${address}) port ${socket.remotePort} (#${connection.number})`,
        connection,
      );
      if ('getProtocol' in socket) socket.once('secureConnect', () => this.secured(socket as TLSSocket, connection));
    });
  }

  private secured(socket: TLSSocket, connection: TalkedConnection): void {
    const note = (text: string): void => this.note(text, connection);
    if (socket.isSessionReused()) note('SSL re-using session ID');
    note(`SSL connection using ${socket.getProtocol()} / ${socket.getCipher().standardName}`);
    note(socket.alpnProtocol ? `ALPN: server accepted ${socket.alpnProtocol}` : 'ALPN: server did not agree on a protocol');
    const certificate = socket.getPeerCertificate();
    if (certificate.subject !== undefined) {
      note('Server certificate:');
      note(` subject: ${nameText(certificate.subject)}`);
      note(` start date: ${certificate.valid_from}`);
      note(` expire date: ${certificate.valid_to}`);
      note(` issuer: ${nameText(certificate.issuer)}`);
    }
    note(
      socket.authorized
        ? ' SSL certificate verify ok.'
        : ` SSL certificate verify result: ${escapeName(String(socket.authorizationError))}, continuing anyway.`,
    );
  }

  readonly observe = (observation: Observation): void => {
    if (observation.kind === 'opened') {
      const known = this.byPort.get(observation.client.port);
      if (known !== undefined) this.byId.set(observation.connection, known);
      return;
    }
    const connection = this.byId.get(observation.connection);
    if (connection === undefined || this.finished) return;
    switch (observation.kind) {
      case 'request-head':
        if (connection.requests > 0) {
          this.note(`Re-using existing connection #${connection.number} with host ${escapeName(connection.host)}`, connection);
        }
        connection.requests += 1;
        connection.answerBegun = false;
        if (saysClose(observation.fields)) connection.over = 'the request said Connection: close';
        this.head(connection, '>', `${observation.method} ${observation.target} HTTP/${observation.version}`, observation.fields);
        break;
      case 'response-head':
        connection.answerBegun = true;
        if (observation.status >= 200) connection.over ??= whyLast(observation);
        this.head(connection, '<', `HTTP/${observation.version} ${observation.status} ${observation.reason}`, observation.fields);
        break;
      case 'message-end':
        if (observation.complete) this.messageEnd(connection, observation.from, observation.bodyByteCount, observation.atNs);
        else if (observation.from === 'server') this.note('transfer closed with outstanding read data remaining', connection);
        break;
      case 'fin':
        this.fin(connection, observation.from, observation.atNs);
        break;
      case 'reset':
        if (observation.from === 'server') connection.over = 'the server reset it';
        else connection.over ??= 'this end reset it';
        if (observation.from === 'server') this.note('Recv failure: Connection reset by peer', connection);
        break;
      case 'closed':
        connection.isClosed = true;
        this.note(`Closing connection ${connection.number}`, connection);
        break;
    }
  };

  private messageEnd(connection: TalkedConnection, from: Side, byteCount: number, atNs: number): void {
    if (from === 'server') {
      connection.responses += 1;
      connection.lastEndAtNs = atNs;
    }
    if (byteCount > 0 && this.options.heads) this.line(connection, `${from === 'client' ? '}' : '{'} [${byteCount} bytes data]`);
  }

  private fin(connection: TalkedConnection, from: Side, atNs: number): void {
    if (from === 'client') {
      connection.over ??= 'this end closed it, having no more use for it';
      return;
    }
    if (connection.responses >= connection.requests && connection.responses > 0) {
      const idle = formatDuration(Math.max(0, atNs - connection.lastEndAtNs));
      if (connection.over === null)
        this.note(`Connection ${connection.number} was closed by the server after ${idle} idle`, connection);
      connection.over ??= `the server closed it after ${idle} idle`;
    } else {
      connection.over ??= `the server closed it ${connection.answerBegun ? 'in the middle of a response' : 'with a request unanswered'}`;
      if (!connection.answerBegun) this.note('Empty reply from server', connection);
    }
  }

  private head(connection: TalkedConnection, sign: string, start: string, fields: readonly FieldLine[]): void {
    if (!this.options.heads) return;
    this.line(connection, `${sign} ${escapeText(start)}`);
    for (const [name, value] of fields) this.line(connection, `${sign} ${escapeText(name)}: ${escapeText(value)}`);
    this.line(connection, `${sign} `);
  }

  private bytes(socket: Socket, from: Side, data: Uint8Array): void {
    if (!this.options.dump) return;
    const connection = this.byPort.get(socket.localPort ?? 0);
    dumpLines(from, data, connection?.number ?? null, (line) => this.line(connection, line));
  }
}

/** Bytes as they went, a line of text a line, under one that says when, where and how many. */
export function dumpLines(from: Side, data: Uint8Array, connection: number | null, say: (line: string) => void): void {
  const sign = from === 'client' ? '>>' : '<<';
  say(`${sign} ${new Date().toISOString().slice(11, 23)} #${connection ?? '?'} ${data.length} bytes`);
  const text = Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1');
  for (const line of linesOf(text)) say(`${sign} ${escapeText(line)}`);
}

/** Characters of a dumped line; escaping leaves out what is behind 2,048. */
const dumpedLineLimit = 1024;

/** Each with its line end, long ones cut into several. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = Math.min(newline === -1 ? text.length : newline + 1, start + dumpedLineLimit);
    yield text.slice(start, end);
    start = end;
  }
}

const fieldOf = (fields: readonly FieldLine[], wanted: string): string | null => {
  const values = fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  return values.length === 0 ? null : values.join(', ');
};

const saysClose = (fields: readonly FieldLine[]): boolean =>
  /(?:^|,)\s*close\s*(?:,|$)/i.test(fieldOf(fields, 'connection') ?? '');

/** Why no request can follow a response, by its head alone; null when one can. */
function whyLast({ version, status, fields }: { version: string; status: number; fields: readonly FieldLine[] }): string | null {
  if (saysClose(fields)) return 'the response said Connection: close';
  if (version === '1.0' && !/keep-alive/i.test(fieldOf(fields, 'connection') ?? '')) {
    return 'the response is HTTP/1.0 without Connection: keep-alive';
  }
  const isFramed = fieldOf(fields, 'content-length') !== null || fieldOf(fields, 'transfer-encoding') !== null;
  return isFramed || status === 204 || status === 304 ? null : 'the response has no length, so it ends with its connection';
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);

const nameText = (name: object): string =>
  escapeName(
    Object.entries(name)
      .map(([key, value]) => `${key}=${String(value)}`)
      .join('; '),
  );

const systemTexts: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ETIMEDOUT: 'Connection timed out',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  EACCES: 'Permission denied',
  ECONNRESET: 'Connection reset by peer',
};

export const systemText = (error: NodeJS.ErrnoException): string => systemTexts[error.code ?? ''] ?? escapeName(error.message);

/** Bytes of a peer's for a terminal: lines stay lines, nothing acts. */
export const harmless = (data: Uint8Array): string =>
  Buffer.from(data)
    .toString('latin1')
    .split('\n')
    .map((line) => escapeText(line.replace(/\r$/, '')))
    .join('\n');
