/** A response as `Client.request` gives it: its head at once, its body as it comes. */

import type { Socket } from 'node:net';
import type { Fields, ResponseHead } from '../wire/index.js';
import { ResponseBody } from './client-body.js';
import type { Exchange, ExchangeConnection, ExchangeTimings, ResponseTaker } from './client-exchange.js';
import type { HoldfastError } from './errors.js';

export class ClientResponse {
  readonly status: number;
  readonly reason: string;
  readonly version: string;
  readonly fields: Fields;
  readonly body: ResponseBody;
  /** After 101 or a 2xx to CONNECT: the connection, which is the caller's now, and what came behind the head. */
  readonly tunnel: { readonly socket: Socket; readonly rest: Uint8Array } | null;

  constructor(
    head: ResponseHead,
    private readonly exchange: Exchange,
    tunnel: { readonly socket: Socket; readonly rest: Uint8Array } | null = null,
  ) {
    this.status = head.status;
    this.reason = head.reason;
    this.version = head.version;
    this.fields = head.fields.keep();
    this.body = new ResponseBody(exchange);
    this.tunnel = tunnel;
    if (tunnel !== null) this.body.end();
  }

  /** What it has cost so far. */
  get timings(): ExchangeTimings {
    return this.exchange.timings;
  }

  /** The connection that it came on. */
  get connection(): ExchangeConnection {
    return this.exchange.connectionInfo!;
  }
}

/** Makes a promise out of an exchange. */
export class PromisedResponse implements ResponseTaker {
  /** Set as soon as there is one. */
  exchange: Exchange | null = null;
  private response: ClientResponse | null = null;

  constructor(
    private readonly resolve: (response: ClientResponse) => void,
    private readonly reject: (error: HoldfastError) => void,
    private readonly interim: ((head: ResponseHead) => void) | undefined,
  ) {}

  onInterim(head: ResponseHead): void {
    this.interim?.(head);
  }

  onHead(head: ResponseHead): void {
    this.response = new ClientResponse(head, this.exchange!);
    this.resolve(this.response);
  }

  onBody(data: Uint8Array, start: number, end: number): boolean {
    return this.response!.body.push(data, start, end);
  }

  onTrailers(trailers: Fields): void {
    this.response!.body.trailers = trailers.lines();
  }

  isUntouched(): boolean {
    return this.response?.body.isUsed === false;
  }

  onEnd(): void {
    this.response?.body.end();
  }

  onError(error: HoldfastError): void {
    if (this.response === null) this.reject(error);
    else this.response.body.fail(error);
  }

  onTunnel(head: ResponseHead, socket: Socket, rest: Uint8Array): void {
    this.resolve(new ClientResponse(head, this.exchange!, { socket, rest }));
  }
}
