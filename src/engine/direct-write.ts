/**
 * Writing short texts straight to a TCP socket's handle.
 *
 * A `socket.write` goes through the buffering, the callbacks and the ticks of a Writable, which is twice the work of all the rest that this engine does
 * for a small response. An engine that gathers its output itself needs none of it: nearly always the kernel takes everything at once.
 *
 * This rests on what Node does not document: `_handle`, its `writeLatin1String`, and the request object that goes with it, whose class is
 * learned from the first ordinary write. Where any of it is not as expected, `writerOf` gives null and the caller writes the ordinary way. TLS always
 * does. The two ways may be mixed as long as the socket itself has nothing buffered: libuv keeps the order.
 */

import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { getSystemErrorName } from 'node:util';

interface WriteRequest {
  oncomplete: (status: number) => void;
}

interface Handle {
  /** Bytes that the kernel has not taken yet. */
  readonly writeQueueSize: number;
  /** 0, or a negative error number. One character a byte. */
  writeLatin1String(request: WriteRequest | null, text: string): number;
}

/** Null until the first ordinary write has shown it. */
let requestClass: (new () => WriteRequest) | null = null;
/** One request object serves every write that the kernel takes at once. */
let spare: WriteRequest | null = null;

export class DirectWriter {
  /** Bytes of the last write that the kernel has not taken; the next write must wait for `done`. */
  pendingByteCount = 0;

  constructor(
    private readonly socket: Socket,
    private readonly handle: Handle,
    /** A write that could not be taken at once has been. */
    private readonly done: () => void,
  ) {}

  /** Whether it can be used now; if not, the ordinary way can. */
  get isReady(): boolean {
    return requestClass !== null && this.socket.writableLength === 0;
  }

  /** An error of the kernel's destroys the socket. */
  write(text: string): void {
    const { socket, handle } = this;
    if (socket.destroyed) return;
    spare ??= new requestClass!();
    const status = handle.writeLatin1String(spare, text);
    if (status !== 0) {
      socket.destroy(errorOf(status));
      return;
    }
    if (handle.writeQueueSize === 0) return;
    this.pendingByteCount = handle.writeQueueSize;
    spare.oncomplete = (ended) => this.completed(ended);
    spare = null;
  }

  private completed(status: number): void {
    this.pendingByteCount = 0;
    if (this.socket.destroyed) return;
    if (status < 0) this.socket.destroy(errorOf(status));
    else this.done();
  }
}

/** The writer of a socket, or null where there can be none. */
export function writerOf(socket: Socket, done: () => void): DirectWriter | null {
  if (socket instanceof TLSSocket) return null;
  const { _handle: handle } = socket as unknown as { _handle?: Partial<Handle> | null };
  if (typeof handle?.writeLatin1String !== 'function' || typeof handle.writeQueueSize !== 'number') return null;
  if (requestClass === null) learnFrom(handle as Handle);
  return new DirectWriter(socket, handle as Handle, done);
}

/** Looks at the request object of the handle's next ordinary write. */
function learnFrom(handle: Handle): void {
  const look: Handle['writeLatin1String'] = (request, text) => {
    // Node 26 makes none until a write is not taken at once.
    if (requestClass === null && request?.constructor.name === 'WriteWrap') {
      requestClass = request.constructor as new () => WriteRequest;
    }
    Reflect.deleteProperty(handle, 'writeLatin1String');
    return handle.writeLatin1String(request, text);
  };
  handle.writeLatin1String = look;
}

function errorOf(status: number): Error {
  const code = getSystemErrorName(status);
  return Object.assign(new Error(`write ${code}`), { code, errno: status, syscall: 'write' });
}
