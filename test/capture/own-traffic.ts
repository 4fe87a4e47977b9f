/**
 * For tests that capture: a network namespace of their own, in which nobody else talks; traffic of our own in it; and what a capture tells.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { CaptureError, enterOwnNetwork, openPacketSource, type PacketSource } from 'holdfast/capture';
import { observeCapture } from 'holdfast/packets';
import { Story, type Totals } from 'holdfast/story';
import koffi from 'koffi';

/** The file runs again in a network of its own. Null: there is one, and the ring works in it; else why not. */
export async function whyNoRing(): Promise<string | null> {
  try {
    const code = await enterOwnNetwork();
    if (code !== null) process.exit(code);
    const source = await openPacketSource({ interface: 'lo', by: 'ring' });
    await source.stop();
    return null;
  } catch (error) {
    if (error instanceof CaptureError) return `no packet ring here: ${error.message}`;
    throw error;
  }
}

/** Whether a program is installed and can capture here; else why not. */
export async function whyNoProgram(): Promise<string | null> {
  try {
    const source = await openPacketSource({ interface: 'lo', by: 'program' });
    await source.stop();
    // In a user namespace it begins, and ends when it cannot become the user that it wants to be.
    return source.statistics().received === null ? 'tcpdump does not go on capturing here' : null;
  } catch (error) {
    if (error instanceof CaptureError) return `tcpdump cannot capture here: ${error.message.split('\n')[0]}`;
    throw error;
  }
}

export const ip = (...words: readonly string[]): unknown => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'pipe'] });

export const whyNoVeth = (): string | null => {
  const made = spawnSync('ip', ['link', 'add', 'probe0', 'type', 'veth', 'peer', 'name', 'probe1'], { encoding: 'utf8' });
  if (made.status !== 0) return `no veth here: ${made.stderr ?? made.error}`;
  ip('link', 'del', 'probe0');
  return null;
};

/** Whole frames, as they are, out of an interface. */
export function sendFrames(name: string, frames: readonly Uint8Array[]): void {
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const bind = libc.func('int bind(int fd, const void *address, uint32_t length)');
  const send = libc.func('long send(int fd, const void *data, size_t length, int flags)');
  const fd: number = socket(17, 3, 0);
  const address = Buffer.alloc(20);
  address.writeUInt16LE(17, 0);
  const listed = execFileSync('ip', ['-o', 'link', 'show', 'dev', name], { encoding: 'utf8' });
  address.writeInt32LE(Number.parseInt(listed, 10), 4);
  assert.equal(bind(fd, address, address.length), 0);
  for (const frame of frames) assert.equal(send(fd, frame, frame.length, 0), frame.length);
  closeSync(fd);
}

const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello';

export interface WebServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Answers each request head, of which each segment holds one or a part, on 127.0.0.1. */
export async function startServer(respond = answer): Promise<WebServer> {
  const server: Server = createServer((socket) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (data) => {
      text += data;
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        text = text.slice(end + 4);
        socket.write(respond);
      }
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      server.close();
      await once(server, 'close');
    },
  };
}

/** So many connections, one after the other, each with so many exchanges; the client closes. Over when the server's FIN has come. */
export async function talk(port: number, connections: number, exchanges: number): Promise<void> {
  for (let count = 0; count < connections; count += 1) {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    for (let exchange = 0; exchange < exchanges; exchange += 1) {
      socket.write(`GET /${count}/${exchange} HTTP/1.1\r\nHost: test\r\n\r\n`);
      let text = '';
      while (!text.endsWith('hello')) [text] = [text + String((await once(socket, 'data'))[0])];
    }
    socket.end();
    await once(socket, 'close');
  }
}

export async function collect(source: PacketSource): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.chunks) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export interface Told {
  readonly packets: number;
  readonly problems: number;
  readonly totals: Totals;
}

/** What `explain` counts. */
export function told(file: Uint8Array): Told {
  const story = new Story({ onConnection: () => {} });
  const capture = observeCapture({ observe: story.observe });
  capture.push(file);
  const { packets, problems, format } = capture.end();
  story.end();
  assert.equal(format, 'pcapng');
  return { packets, problems: problems.length, totals: story.totals };
}
