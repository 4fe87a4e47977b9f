/**
 * How a server read a stream of bytes, as seen from outside: which responses came, and where its reader stood at the end.
 *
 * After the stream, when the server has been quiet, a request for `/probe` is sent. If it is answered, the server stood between two messages; if
 * not, it was within one, and took the probe for a part of it. A server that closed has said so itself.
 */

import { connect } from 'node:net';

export interface ReadResponse {
  readonly status: number;
  /** Method, target and body bytes as the server read them; '' where it does not say. */
  readonly seen: string;
  /** The code that our server's refusals hold; '' elsewhere. */
  readonly code: string;
}

export interface Reading {
  readonly responses: readonly ReadResponse[];
  readonly state: 'between' | 'within' | 'closed';
}

const probe = 'GET /probe HTTP/1.1\r\nHost: probe\r\n\r\n';

export interface ReadingOptions {
  /** How long nothing must come before the server counts as quiet. */
  readonly quietMs: number;
  readonly host?: string;
}

export async function readingOf(port: number, stream: string, options: ReadingOptions): Promise<Reading> {
  const { received, closed } = await converse(port, stream, options.quietMs);
  const responses = responsesIn(received);
  const probeAt = responses.findIndex((response) => response.seen.includes('/probe'));
  if (probeAt >= 0) return { responses: responses.slice(0, probeAt), state: 'between' };
  return { responses, state: closed ? 'closed' : 'within' };
}

function converse(port: number, stream: string, quietMs: number): Promise<{ received: string; closed: boolean }> {
  return new Promise((resolve) => {
    let received = '';
    let probed = false;
    let closed = false;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ received, closed });
    };
    const quiet = () => {
      if (probed) finish();
      else {
        probed = true;
        socket.write(probe);
        timer.refresh();
      }
    };
    const timer = setTimeout(quiet, quietMs);
    socket.on('connect', () => socket.write(stream, 'latin1'));
    socket.on('data', (data: Buffer) => {
      received += data.toString('latin1');
      if (probed && received.includes('/probe')) finish();
      else timer.refresh();
    });
    socket.on('end', () => {
      closed = true;
      finish();
    });
    socket.on('error', () => {
      closed = true;
      finish();
    });
  });
}

/** Reads the responses that the peers here send: by Content-Length, in chunks, or to the end. Interim ones are left out. */
function responsesIn(received: string): ReadResponse[] {
  const responses: ReadResponse[] = [];
  let rest = received;
  for (;;) {
    const head = /^HTTP\/1\.[01] (\d{3})[^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n/.exec(rest);
    if (head === null) return responses;
    const status = Number(head[1]);
    const fields = head[2]!;
    rest = rest.slice(head[0].length);
    if (status < 200) continue;
    const seen = /^x-seen: ([^\r\n]*)/im.exec(fields)?.[1] ?? '';
    const length = /^content-length: (\d+)/im.exec(fields);
    let body = '';
    if (!seen.startsWith('HEAD ') && status !== 204 && status !== 304) {
      if (length !== null) body = rest.slice(0, Number(length[1]));
      else if (/^transfer-encoding: chunked/im.test(fields)) body = /^[\s\S]*?\r\n0\r\n\r\n|^0\r\n\r\n/.exec(rest)?.[0] ?? rest;
      else body = rest;
    }
    rest = rest.slice(body.length);
    responses.push({ status, seen, code: /^\d{3} [^:\r\n]*: ([a-z0-9-]+)\n$/.exec(body)?.[1] ?? '' });
  }
}
