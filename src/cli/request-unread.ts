/**
 * The bad client: it asks, looks at the head, and neither reads nor closes the body, as programs do that forget it. Our own client cannot
 * be made to behave so (a short body ends in it and frees its connection), so this one is Node's own, with its keep-alive agent.
 */
import { Agent, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps, Agent as TlsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';

export interface UnreadOptions {
  readonly count: number;
  readonly sleepMs: number;
  readonly insecure: boolean;
  readonly say: (line: string) => void;
}

/** Gives the local ports that its requests went out on. Rejects with what Node throws. */
export async function requestUnread(url: URL, { count, sleepMs, insecure, say }: UnreadOptions): Promise<number[]> {
  const isTls = url.protocol === 'https:';
  const agent = isTls ? new TlsAgent({ keepAlive: true, rejectUnauthorized: !insecure }) : new Agent({ keepAlive: true });
  const held: IncomingMessage[] = [];
  const ports: number[] = [];
  try {
    for (let number = 0; number < count; number++) {
      if (number > 0 && sleepMs > 0) await sleep(sleepMs);
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        (isTls ? requestHttps : requestHttp)(url, { agent }, resolve).on('error', reject).end();
      });
      // Held, so that nothing collects it; never read.
      response.on('error', () => {});
      held.push(response);
      const { socket } = response;
      const port = socket.localPort ?? 0;
      say(
        ports.includes(port)
          ? `* Re-using existing connection from port ${port}`
          : `* Connected to ${url.hostname} (${socket.remoteAddress}) port ${socket.remotePort} (#${new Set(ports).size}), from port ${port}`,
      );
      ports.push(port);
      say(`> GET ${url.pathname}${url.search} HTTP/1.1`);
      say(`< HTTP/${response.httpVersion} ${response.statusCode} ${response.statusMessage?.replace(/[^\x20-\x7e]/g, '?')}`);
      say('* The body is left unread, and the response open');
    }
  } finally {
    for (const response of held) response.destroy();
    agent.destroy();
  }
  return ports;
}
