/**
 * What one line about a connection needs, and no more: a connection with ten thousand exchanges becomes a few dozen small
 * values, so that a list of lines can be held while the connections themselves are let go.
 */
import type { ConnectionId, Endpoint } from '../base/index.js';
import type { Connection, Ending, ProtocolName } from '../story/index.js';
import { type Life, type LifeOptions, lifeOf } from './timeline.js';

export interface ConnectionRow {
  readonly id: ConnectionId;
  readonly openedNs: number;
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly protocol: ProtocolName;
  readonly exchangeCount: number;
  readonly responseCount: number;
  readonly ending: Ending;
  readonly life: Life;
}

export function connectionRow(connection: Connection, options?: LifeOptions): ConnectionRow {
  const { id, opened, client, server, protocol, exchangeCount, responseCount, ending } = connection;
  return {
    id,
    openedNs: opened.atNs,
    client,
    server,
    protocol: protocol.name,
    exchangeCount,
    responseCount,
    ending,
    life: lifeOf(connection, options),
  };
}
