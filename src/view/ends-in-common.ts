/**
 * What all connections of a stream have in common, learned while they come: one client address, one server, one port. It only ever
 * becomes less, so that a list whose columns depend on it stays quiet.
 */
import type { Endpoint } from '../base/index.js';
import { formatEndpoint } from './quantity.js';
import type { CommonEnds } from './terminal/list-layout.js';

export class EndsInCommon {
  #seen = false;
  #client: string | null = null;
  #server: string | null = null;
  #port: number | null = null;

  add({ client, server }: { readonly client: Endpoint; readonly server: Endpoint }): void {
    if (!this.#seen) {
      this.#seen = true;
      this.#client = client.address;
      this.#server = server.address;
      this.#port = server.port;
      return;
    }
    if (this.#client !== client.address) this.#client = null;
    if (this.#server !== server.address) this.#server = null;
    if (this.#port !== server.port) this.#port = null;
  }

  get value(): CommonEnds {
    const server = this.#server !== null && this.#port !== null ? { address: this.#server, port: this.#port } : null;
    return { clientAddress: this.#client, server, serverPort: this.#port };
  }

  /** `from 10.0.0.1 to 10.0.0.5:8080`, `to port 80`, or an empty text. */
  get words(): string {
    const { clientAddress, server, serverPort } = this.value;
    const to = server !== null ? `to ${formatEndpoint(server)}` : serverPort !== null ? `to port ${serverPort}` : '';
    return [clientAddress === null ? '' : `from ${clientAddress}`, to].filter((part) => part !== '').join(' ');
  }
}
