/**
 * The lines that the server itself puts into every response head: Date, Connection, Keep-Alive, Server; and refusals, which it writes
 * without a handler.
 *
 * What can be said once a second is built once a second. The engine owns the fields of the connection (RFC 9110 §7.6.1): what a handler
 * says in `Connection` counts only as its wish to close, and `Keep-Alive`, `Proxy-Connection`, `Transfer-Encoding` and `Upgrade` of a
 * handler (copied from another server, usually) are dropped, because they speak of another connection.
 */

import { type RequestHead, reasonPhrase } from '../wire/index.js';
import type { ServerSettings } from './server-options.js';

export class StandingLines {
  last = '';
  /** Date and Server. */
  private always = '';
  /** And the token of HTTP/1.0. */
  private said = '';
  private saidAndHinted = '';
  private usual = '';
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
    this.said = `${this.always}Connection: keep-alive\r\n`;
    this.saidAndHinted = this.hinted('');
    this.usual = keepAliveHint === 'always' ? this.saidAndHinted : this.always;
    this.last = `${this.always}Connection: close\r\n`;
    const timer = setTimeout(this.expire, 1000 - (this.builtAt % 1000));
    timer.unref();
  }

  /** What a response says that leaves the connection open. `remaining`: requests that may still come, or Infinity. */
  persists(request: RequestHead, remaining: number): string {
    if (this.settings.keepAliveHint === 'never') return request.version === '1.0' ? this.said : this.always;
    if (remaining !== Number.POSITIVE_INFINITY) return this.hinted(`max=${remaining}`);
    return request.saysKeepAlive ? this.saidAndHinted : this.usual;
  }

  private hinted(max: string): string {
    const parameters = [this.hintTimeout, max].filter((each) => each !== '').join(', ');
    return parameters === '' ? this.said : `${this.said}Keep-Alive: ${parameters}\r\n`;
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
