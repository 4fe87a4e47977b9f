/**
 * Whether the end of a stream that Node has read was a FIN or a RST (Linux; the socket's pending error through koffi).
 *
 * When data and a RST are there at once, libuv reads the data and then reports the hang-up as the end of the stream, like a FIN
 * (uv__stream_io: POLLHUP behind a partial read). The error that the RST left is still on the socket then. (Its TCP state does
 * not tell: it is CLOSE too when this side had closed before.) Without koffi, or off Linux, the answer is what libuv says.
 */
import { createRequire } from 'node:module';
import type { Socket } from 'node:net';

const SOL_SOCKET = 1;
const SO_ERROR = 4;

/** The pending error of a socket, which is taken by asking; 0: none. */
type ErrorOf = (fd: number) => number;

let loaded: ErrorOf | null = null;

/** To be asked when the stream has ended and before this side closes: a RST was behind it. False when that cannot be known. */
export function endedByReset(socket: Socket): boolean {
  // Node keeps the descriptor on the handle, which it does not document.
  const { fd } = (socket as { _handle?: { fd?: unknown } | null })._handle ?? {};
  if (typeof fd !== 'number' || fd < 0) return false;
  loaded ??= load();
  return loaded(fd) !== 0;
}

interface Koffi {
  load(library: string): { func(declaration: string): (...values: unknown[]) => number };
}

function load(): ErrorOf {
  if (process.platform !== 'linux') return () => 0;
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    const getsockopt = koffi.load('libc.so.6').func('int getsockopt(int fd, int level, int name, void *value, void *length)');
    const value = new Int32Array(1);
    const length = new Uint32Array(1);
    return (fd) => {
      length[0] = value.byteLength;
      return getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length) === 0 ? value[0]! : 0;
    };
  } catch {
    return () => 0;
  }
}
