/** Runs the built command as a person would, and captures made by hand for it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { type CapturedPacket, firstSecond, pcap } from '../packets/build-captures.js';
import { ethernet, flag, ipv4, tcpPacket, udp } from '../packets/build-packets.js';

export interface CommandResult {
  readonly code: number | null;
  readonly out: string;
  readonly errors: string;
}

export interface CommandOptions {
  readonly input?: Uint8Array | string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Off a terminal, with a UTF-8 locale and nothing said about colour. */
export function holdfast(parameters: readonly string[], { input, environment = {} }: CommandOptions = {}): CommandResult {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['bin/holdfast.js', ...parameters], {
    input,
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: status, out: stdout.toString(), errors: stderr.toString() };
}

let folder: string | null = null;

/** Writes a file for this test run; gives its path. */
export function temporaryFile(name: string, content: Uint8Array | string): string {
  if (folder === null) {
    folder = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
    const made = folder;
    after(() => rmSync(made, { recursive: true, force: true }));
  }
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

export interface ConversationOptions {
  readonly clientPort?: number;
  readonly serverPort?: number;
  readonly target?: string;
  readonly status?: string;
  /** When it begins, in seconds after the first. */
  readonly startSeconds?: number;
  /** How it ends: the server's FIN and the client's, or the server's RST instead of an answer. */
  readonly ending?: 'fin' | 'reset';
}

/** One request on one connection: ten packets, the idle gap before the server's FIN five seconds. */
export function conversation(options: ConversationOptions = {}): CapturedPacket[] {
  const { clientPort = 40_000, serverPort = 8080, target = '/', status = '200 OK', startSeconds = 0, ending = 'fin' } = options;
  const request = `GET ${target} HTTP/1.1\r\nHost: example.test\r\n\r\n`;
  const response = `HTTP/1.1 ${status}\r\nContent-Length: 5\r\n\r\nhello`;
  let client = 1000;
  let server = 5000;
  const packets: CapturedPacket[] = [];
  const send = (from: 'client' | 'server', flags: number, atMs: number, payload = ''): void => {
    const [sourcePort, destinationPort] = from === 'client' ? [clientPort, serverPort] : [serverPort, clientPort];
    const [source, destination] = from === 'client' ? ['10.0.0.1', '10.0.0.2'] : ['10.0.0.2', '10.0.0.1'];
    const [sequence, acknowledgment] = from === 'client' ? [client, server] : [server, client];
    const length = payload.length + ((flags & (flag.syn | flag.fin)) !== 0 ? 1 : 0);
    if (from === 'client') client += length;
    else server += length;
    const data = tcpPacket({ source, destination, sourcePort, destinationPort, sequence, acknowledgment, flags }, payload);
    packets.push({ data, seconds: firstSecond + startSeconds + Math.floor(atMs / 1000), fraction: (atMs % 1000) * 1000 });
  };
  send('client', flag.syn, 0);
  send('server', flag.syn | flag.ack, 10);
  send('client', flag.ack, 20);
  send('client', flag.ack | flag.psh, 21, request);
  if (ending === 'reset') {
    send('server', flag.rst | flag.ack, 40);
    return packets;
  }
  send('server', flag.ack, 31);
  send('server', flag.ack | flag.psh, 131, response);
  send('client', flag.ack, 132);
  send('server', flag.fin | flag.ack, 5131);
  send('client', flag.fin | flag.ack, 5132);
  send('server', flag.ack, 5142);
  return packets;
}

/** Conversations in one file, in order of time. */
export const captureOf = (...conversations: readonly CapturedPacket[][]): Uint8Array =>
  pcap(conversations.flat().sort((a, b) => (a.seconds ?? 0) - (b.seconds ?? 0) || (a.fraction ?? 0) - (b.fraction ?? 0)));

/** A capture without TCP. */
export const udpCapture = (): Uint8Array =>
  pcap([1, 2, 3].map((port) => ethernet(ipv4(udp(port, 53, new Uint8Array(20)), { protocol: 17 }))));
