/**
 * Reading accepted TCP sockets into one shared buffer.
 *
 * `net.Socket` can read into a buffer of its user's (`onread`), which spares an allocation of 64 KiB and a stream event for every read: about an
 * eighth of the whole cost of a small request. But `net.Server` has no way to say so for the sockets that it accepts. So the accepted socket's
 * handle is given to a new `net.Socket` that was made with `onread`. This rests on two things that Node does not document (`_handle`, and the
 * `handle` option); where they are not as expected, the socket is served as it came, through 'data' events. TLS sockets always are.
 */

import { Socket } from 'node:net';

const readByteCount = 64 * 1024;
let sharedBuffer: Buffer | null = null;

/** Takes `data[0, byteCount)`, valid only during the call. False: stop reading until `resume()`. */
export type TakeBytes = (data: Buffer, byteCount: number) => boolean;

/** A socket on the same connection that gives its bytes to `take` and emits no 'data'; null when that cannot be had here. */
export function readInPlace(accepted: Socket, take: TakeBytes): Socket | null {
  const holder = accepted as unknown as { _handle?: { useUserBuffer?: unknown } | null };
  const handle = holder._handle;
  if (handle === null || handle === undefined || typeof handle.useUserBuffer !== 'function') return null;
  sharedBuffer ??= Buffer.allocUnsafeSlow(readByteCount);
  const buffer = sharedBuffer;
  holder._handle = null;
  return new Socket({
    handle,
    allowHalfOpen: true,
    onread: { buffer, callback: (byteCount: number) => take(buffer, byteCount) },
  } as ConstructorParameters<typeof Socket>[0]);
}
