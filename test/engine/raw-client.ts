/**
 * A client for tests that speaks bytes: it sends what it is told, gathers what comes, and lets tests wait for events instead of for time.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface RawClientOptions {
  /** Do not read until `resume()`. */
  readonly paused?: boolean;
  /** Answer the server's FIN with ours at once. Default true. */
  readonly closesBack?: boolean;
}

export class RawClient {
  /** Everything received, one character a byte. */
  received = '';
  /** How the server ended: not yet, by FIN, by RST. */
  ending: 'open' | 'fin' | 'reset' = 'open';
  private closed = false;
  private wake: (() => void)[] = [];

  private constructor(readonly socket: Socket) {
    socket.on('data', (data: Buffer) => {
      this.received += data.toString('latin1');
      this.changed();
    });
    socket.on('end', () => {
      if (this.ending === 'open') this.ending = 'fin';
      this.changed();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET' || error.code === 'EPIPE') this.ending = 'reset';
      this.changed();
    });
    socket.on('close', () => {
      this.closed = true;
      this.changed();
    });
  }

  static async open(port: number, options: RawClientOptions = {}): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: options.closesBack === false, noDelay: true });
    await once(socket, 'connect');
    const client = new RawClient(socket);
    if (options.paused === true) socket.pause();
    return client;
  }

  send(text: string): this {
    this.socket.write(text, 'latin1');
    return this;
  }

  /** Our FIN. */
  finish(): this {
    this.socket.end();
    return this;
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Resolves with all received when `condition` holds; rejects when the connection ends before. */
  async until(condition: RegExp | ((received: string) => boolean)): Promise<string> {
    const holds = condition instanceof RegExp ? () => condition.test(this.received) : () => condition(this.received);
    while (!holds()) {
      if (this.closed || this.ending !== 'open') {
        throw new Error(`the connection ended (${this.ending}) before ${condition}; received ${JSON.stringify(this.received)}`);
      }
      await this.change();
    }
    return this.received;
  }

  /** Resolves with all received when the server has ended the connection. */
  async untilEnd(): Promise<string> {
    while (this.ending === 'open' && !this.closed) await this.change();
    return this.received;
  }

  /** Status codes of all responses received, interim ones too. */
  get statuses(): number[] {
    return [...this.received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }

  private change(): Promise<void> {
    return new Promise((resolve) => this.wake.push(resolve));
  }

  private changed(): void {
    const { wake } = this;
    this.wake = [];
    for (const each of wake) each();
  }
}

/** Sends `text` on a connection of its own and gives back all that came until the server closed. */
export async function exchange(port: number, text: string): Promise<{ received: string; statuses: number[]; ending: string }> {
  const client = await RawClient.open(port);
  client.send(text);
  await client.untilEnd();
  const { received, statuses, ending } = client;
  client.destroy();
  return { received, statuses, ending };
}
