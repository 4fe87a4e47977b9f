/** The value of a connection of which nothing is known but that it is there. */
import { type OpenedObservation, zeroNs } from '../base/index.js';
import type { Closing, Connection, Exchange, Moment } from './model.js';
import { noProtocol } from './sniff.js';
import { emptyTally } from './tally.js';

// Shared by all connections until they have their own.
const unknownSoftware: Connection['software'] = { client: null, server: null };
const noExchanges: Exchange[] = [];

export function newConnection(opened: OpenedObservation, at: Moment, closing: Closing): Connection {
  return {
    id: opened.connection,
    client: opened.client,
    server: opened.server,
    sidesFrom: opened.evidence === 'mid-stream' ? 'guess' : opened.evidence,
    protocol: noProtocol,
    opened: at,
    last: at,
    closed: null,
    handshakeNs: null,
    synToSynAckNs: null,
    exchanges: [],
    newest: noExchanges,
    exchangeCount: 0,
    responseCount: 0,
    idleGapsNs: [],
    ending: { by: 'none', how: 'open', why: 'still-open', at, idleNs: null },
    closing,
    software: unknownSoftware,
    skipped: null,
    writing: null,
    encrypted: null,
    tcp: emptyTally(),
    zeek: { connState: 'OTH', history: '' },
    marks: [],
    marksOmitted: 0,
  };
}

/** To the connection's idle gaps: floats from the beginning (`zeroNs`), with room for one at first. */
export function addIdleGap(connection: Connection, idleNs: number): void {
  if (connection.idleGapsNs.length > 0) {
    connection.idleGapsNs.push(idleNs);
    return;
  }
  const gaps = [zeroNs];
  gaps[0] = idleNs;
  connection.idleGapsNs = gaps;
}
