/**
 * Asks a proxy for a tunnel (RFC 9110 §9.3.6): writes CONNECT, reads the answer, and leaves the socket untouched behind it.
 *
 * Bytes behind a 2xx would be the first of the tunnel; an origin speaks only when spoken to, in HTTP/1.1 as in TLS, so they are
 * refused. The body of a refusal is not read: the connection is given up.
 */

import type { Socket } from 'node:net';
import { type ResponseHead, ResponseReader, writeRequestHead } from '../wire/index.js';
import type { ClientSettings } from './client-options.js';
import { HoldfastError } from './errors.js';

/** Calls `done` once, with what went wrong or null; the caller watches over time and the socket's errors. Returns bytes written. */
export function askForTunnel(
  socket: Socket,
  authority: string,
  settings: ClientSettings,
  done: (error: HoldfastError | null) => void,
): number {
  const { url, fields } = settings.proxy!;
  const own: [string, string][] = [['Host', authority]];
  if (url.username !== '' || url.password !== '') {
    const user = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    own.push(['Proxy-Authorization', `Basic ${Buffer.from(user, 'utf8').toString('base64')}`]);
  }
  const said = Symbol.iterator in fields ? [...fields] : Object.entries(fields).flatMap(([name, value]) => pairs(name, value));
  const head = writeRequestHead({ method: 'CONNECT', target: authority, fields: [...own, ...said] });

  let status = 0;
  const reader = new ResponseReader({
    manner: 'strict',
    limits: settings.limits,
    handler: {
      answeredRequest: () => ({ method: 'CONNECT', version: '1.1' }),
      onMessageStart() {},
      onHead(response: ResponseHead) {
        if (!response.isInterim) status = response.status;
      },
      onBody() {},
      onTrailers() {},
      onMessageEnd() {},
      onProblem() {},
      onSkipped() {},
      onTunnel() {},
    },
  });
  const finish = (error: HoldfastError | null): void => {
    socket.removeListener('data', onData);
    socket.removeListener('end', onEnd);
    socket.pause();
    done(error);
  };
  const onData = (data: Uint8Array): void => {
    const taken = reader.receive(data);
    if (reader.problem !== null) finish(refused(`Its answer cannot be read (${reader.problem.code}).`));
    else if (reader.state === 'tunnel') finish(taken === data.length ? null : refused('Bytes came behind its answer.'));
    else if (status !== 0) finish(refused(`It answered ${status}.`));
  };
  const onEnd = (): void => finish(refused('It closed the connection.'));
  socket.on('data', onData);
  socket.on('end', onEnd);
  socket.write(head, 'latin1');
  return head.length;
}

const pairs = (name: string, value: string | readonly string[]): [string, string][] =>
  typeof value === 'string' ? [[name, value]] : value.map((each) => [name, each]);

const refused = (detail: string): HoldfastError => new HoldfastError('proxy-refused', { detail });
