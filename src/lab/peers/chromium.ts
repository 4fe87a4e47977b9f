/**
 * Chromium as a client of the lab, told by its DevTools protocol over a pipe (file descriptors 3 and 4, messages of JSON ended by a zero
 * byte). It opens the first page it is asked for, and asks for the rest with `fetch` from there.
 *
 * What it does beside that is its own and part of the story: a pool of six connections, TCP keep-alive after 45 s, an unused
 * connection opened ahead.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { ClientPeer, RunningClient } from './client-peer.js';
import { versionOf } from './installed.js';
import type { Answer, Ask, Step } from './step.js';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function browser(): string | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch {
        // Not here.
      }
    }
  }
  return null;
}

interface Reply {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Commands and their answers. */
class DevTools {
  readonly #write: Writable;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #id = 0;
  #text = '';

  constructor(write: Writable, read: Readable) {
    this.#write = write;
    write.on('error', () => {});
    read.setEncoding('utf8').on('data', (piece: string) => {
      const messages = (this.#text + piece).split('\0');
      this.#text = messages.pop()!;
      for (const message of messages) {
        const reply = JSON.parse(message) as Reply;
        if (reply.id !== undefined) this.#waiting.get(reply.id)?.(reply);
      }
    });
    read.once('close', () => {
      for (const done of this.#waiting.values()) done({ error: { message: 'the browser has ended' } });
    });
  }

  async send(method: string, params: object, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#id;
    const reply = await new Promise<Reply>((done) => {
      this.#waiting.set(id, done);
      this.#write.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`);
    });
    this.#waiting.delete(id);
    if (reply.error !== undefined) throw new Error(`${method}: ${reply.error.message}`);
    return reply.result ?? {};
  }
}

class Browser implements RunningClient {
  readonly #child: ChildProcess;
  readonly #devTools: DevTools;
  readonly #origin: string;
  readonly #session: string;
  #onPage = false;

  constructor(child: ChildProcess, devTools: DevTools, session: string, origin: string) {
    this.#child = child;
    this.#devTools = devTools;
    this.#session = session;
    this.#origin = origin;
  }

  async take(steps: readonly Step[]): Promise<Answer[]> {
    const answers: Answer[] = [];
    for (const step of steps) {
      if (step.kind === 'ask') answers.push(await this.#ask(step.ask));
      else if (step.kind === 'in-turn') for (const ask of step.asks) answers.push(await this.#ask(ask));
      else if (step.kind === 'side-by-side') answers.push(...(await Promise.all(step.asks.map((ask) => this.#ask(ask)))));
      else if (step.kind === 'pause') await new Promise((done) => setTimeout(done, step.ms));
      // The browser does not say when a server closes: the time is waited for.
      else if (step.kind === 'until-closed') await new Promise((done) => setTimeout(done, step.mostMs));
    }
    return answers;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    await Promise.race([this.#devTools.send('Browser.close', {}).catch(() => {}), exited]);
    const insist = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await exited;
    clearTimeout(insist);
  }

  async #ask(ask: Ask): Promise<Answer> {
    const { path } = ask;
    try {
      if (!this.#onPage) {
        this.#onPage = true;
        const { errorText } = await this.#devTools.send('Page.navigate', { url: `${this.#origin}${path}` }, this.#session);
        return { path, status: errorText === undefined ? 200 : null, error: (errorText as string | undefined) ?? null };
      }
      return await this.#fetch(ask);
    } catch (error) {
      return { path, status: null, error: String(error) };
    }
  }

  async #fetch({ path, method = 'GET', body }: Ask): Promise<Answer> {
    const options = JSON.stringify({ method, cache: 'no-store', ...(body === undefined ? {} : { body }) });
    const expression = `fetch(${JSON.stringify(path)}, ${options}).then(async (response) => { await response.text(); return response.status; })`;
    const { result, exceptionDetails } = (await this.#devTools.send(
      'Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true },
      this.#session,
    )) as { result: { value?: number; description?: string }; exceptionDetails?: object };
    if (exceptionDetails !== undefined) return { path, status: null, error: result.description ?? 'failed' };
    return { path, status: result.value ?? null, error: null };
  }
}

export const chromium: ClientPeer = {
  name: 'chromium',
  title: 'Chromium',
  abilities: ['hold', 'probes', 'many-lists', 'post'],
  opensAhead: true,
  ownProbes: true,
  version: async () => {
    const program = browser();
    return program === null ? null : versionOf(program, ['--version']);
  },
  howToGet: 'apt install chromium',
  start: async ({ address, port, folder }) => {
    const args = [
      '--headless=new',
      '--remote-debugging-pipe',
      `--user-data-dir=${folder}`,
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-gpu',
      // It runs beside servers of ours only; as root it would not start with a sandbox.
      '--no-sandbox',
    ];
    const child = spawn(browser()!, args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    const kill = (): unknown => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    const devTools = new DevTools(child.stdio[3] as Writable, child.stdio[4] as Readable);
    const { targetId } = await devTools.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await devTools.send('Target.attachToTarget', { targetId, flatten: true });
    const session = sessionId as string;
    await devTools.send('Network.enable', {}, session);
    // The one request that no scenario asks for.
    await devTools.send('Network.setBlockedURLs', { urls: ['*/favicon.ico'] }, session);
    return new Browser(child, devTools, session, `http://${address}:${port}`);
  },
};
