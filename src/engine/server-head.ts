/**
 * The lines that the server itself puts into every response head: Date, Connection, Keep-Alive, Server; and refusals, which it writes
 * without a handler.
 *
 * What can be said once a second is built once a second. The engine owns the fields of the connection (RFC 9110 §7.6.1): what a handler
 * says in `Connection` counts only as its wish to close, and `Keep-Alive`, `Proxy-Connection`, `Transfer-Encoding` and `Upgrade` of a
 * handler (copied from another server, usually) are dropped, because they speak of another connection.
 */

import { reasonPhrase } from '../wire/index.js';
import type { ServerSettings } from './server-options.js';

export class StandingLines {
  /** What a persistent response says, when nothing is counted down. */
  persistent = '';
  /** As `persistent`, without a hint. */
  persistentBare = '';
  /** As `persistentBare`, to a request in HTTP/1.0 or one that asked with the token. */
  persistentSaid = '';
  last = '';
  /** Date and Server. */
  private always = '';
  private builtAt = 0;
  private readonly hintTimeout: string;

  constructor(private readonly settings: ServerSettings) {
    const hintSeconds = Math.floor((settings.idleTimeoutMs - settings.idleHintMarginMs) / 1000);
    this.hintTimeout = hintSeconds >= 1 && Number.isFinite(hintSeconds) ? `timeout=${hintSeconds}` : '';
  }

  /** Must be called before the lines are read; cheap. */
  refresh(): void {
    if (this.builtAt !== 0) return;
    const now = new Date();
    this.builtAt = now.getTime();
    const { serverName, keepAliveHint } = this.settings;
    this.always = `Date: ${now.toUTCString()}\r\n${serverName === null ? '' : `Server: ${serverName}\r\n`}`;
    this.persistentBare = this.always;
    this.persistentSaid = `${this.always}Connection: keep-alive\r\n`;
    this.persistent = keepAliveHint === 'always' ? this.counted(-1) : this.always;
    this.last = `${this.always}Connection: close\r\n`;
    const timer = setTimeout(this.expire, 1000 - (this.builtAt % 1000));
    timer.unref();
  }

  /** With the hint, `remaining` requests counted down; −1: not counted. */
  counted(remaining: number): string {
    const max = remaining < 0 ? '' : `max=${remaining}`;
    const { hintTimeout } = this;
    if (max === '' && hintTimeout === '') return this.persistentSaid;
    return `${this.persistentSaid}Keep-Alive: ${hintTimeout}${max !== '' && hintTimeout !== '' ? ', ' : ''}${max}\r\n`;
  }

  private readonly expire = (): void => {
    this.builtAt = 0;
  };
}

/** A whole response that refuses, and says that it is the last one. `lines`: further field lines, each with its end. */
export function writeRefusal(status: number, code: string, standingLines: string, lines: string, headOnly: boolean): string {
  const body = `${status} ${reasonPhrase(status)}: ${code}\n`;
  return (
    `HTTP/1.1 ${status} ${reasonPhrase(status)}\r\n${standingLines}${lines}` +
    `Content-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${headOnly ? '' : body}`
  );
}
