/**
 * Whether a connection persists after a response, as the server decides it when it writes the head. Every condition stands here, once; what the
 * version and the Connection options of the request come to is the table of the wire layer (RFC 9112 §9.3).
 */

import type { ServerSettings } from './server-options.js';
import type { ServerResponse } from './server-response.js';

/** What the connection and its server know. */
export interface PersistenceSituation {
  readonly settings: ServerSettings;
  /** No request has been read behind this one, so that a close announced now leaves nobody without an answer. */
  readonly isNewest: boolean;
  /** The server stops, or keeps no connections. */
  readonly serverCloses: boolean;
  /** The client has sent its FIN, and nothing more is to be said after this response. */
  readonly clientEnded: boolean;
  /** The connection is as old as it may become. */
  readonly isAged: boolean;
}

export function persistsAfter(response: ServerResponse, situation: PersistenceSituation): boolean {
  const { request } = response;
  const { settings } = situation;
  if (request.head.persistence.outcome === 'ends' || response.wantsClose) return false;
  if (request.number >= settings.maxRequestsPerConnection) return false;
  if (situation.isNewest && (situation.serverCloses || situation.clientEnded || situation.isAged)) return false;
  if (request.complete || request.body?.use === 'claimed') return true;
  // The rest of the body is to be read and dropped, if that is bearable, and if the client was ever told to send it.
  if (request.continueDue) return false;
  return request.contentLength < 0 || request.contentLength - request.bodyByteCount <= settings.drainByteCount;
}
