/**
 * curl as a client of the lab: one process for each list of steps, with all its requests. It keeps its connection from one request to
 * the next and closes it when the last is answered, so it cannot hold one in silence; pauses between requests are its own `--rate`.
 */

import { StartedProcess } from '../started-process.js';
import type { ClientPeer, ClientPlace, RunningClient } from './client-peer.js';
import { versionOf } from './installed.js';
import type { Answer, Ask, ClientSettings, Step } from './step.js';

const msPerHour = 3_600_000;

class CurlRuns implements RunningClient {
  readonly #place: ClientPlace;
  readonly #settings: ClientSettings;
  #run: StartedProcess | null = null;

  constructor(place: ClientPlace, settings: ClientSettings) {
    this.#place = place;
    this.#settings = settings;
  }

  async take(steps: readonly Step[]): Promise<Answer[]> {
    const asks = steps.flatMap((step) => (step.kind === 'ask' ? [step.ask] : 'asks' in step ? step.asks : []));
    if (asks.length === 0) return [];
    const pauses = steps.flatMap((step) => (step.kind === 'pause' ? [step.ms] : []));
    const together = steps.some(({ kind }) => kind === 'side-by-side') ? ['--parallel', '--parallel-immediate'] : [];
    const rate = pauses.length === 0 ? [] : ['--rate', `${Math.round(msPerHour / Math.max(1, pauses[0]!))}/h`];
    const args = [
      ...together,
      ...rate,
      ...asks.flatMap((ask, index) => [...(index === 0 ? [] : ['--next']), ...this.#argsOf(ask)]),
    ];
    this.#run = new StartedProcess('curl', ['-q', ...args]);
    const answers: Answer[] = [];
    for (const { path } of asks) {
      const [status, error] = (await this.#run.line()).split(' ', 2);
      const code = Number(status);
      answers.push({ path, status: code === 0 ? null : code, error: error === undefined || error === '' ? null : error });
    }
    await this.#run.ended;
    return answers;
  }

  async stop(): Promise<void> {
    await this.#run?.stop();
  }

  #argsOf({ path, method = 'GET', body, last }: Ask): string[] {
    const { version, keepAlive, probes } = this.#settings;
    const { address, port } = this.#place;
    const persists = keepAlive && last !== true;
    const field = version === '1.0' ? (persists ? 'keep-alive' : null) : persists ? null : 'close';
    return [
      '--silent',
      ...(version === '1.0' ? ['--http1.0'] : []),
      ...(field === null ? [] : ['--header', `Connection: ${field}`]),
      ...(probes === null ? ['--no-keepalive'] : ['--keepalive-time', String(probes.idleMs / 1000)]),
      ...(body === undefined ? [] : ['--data-binary', body, '--header', 'Content-Type: application/json']),
      ...(method === 'GET' || body !== undefined ? [] : ['--request', method]),
      '--output',
      '/dev/null',
      '--write-out',
      '%{http_code} %{errormsg}\\n',
      `http://${address}:${port}${path}`,
    ];
  }
}

export const curl: ClientPeer = {
  name: 'curl',
  title: 'curl',
  abilities: ['http-1.0', 'post', 'many-lists'],
  version: () => versionOf('curl', ['--version']),
  howToGet: 'apt install curl',
  start: async (place, settings) => new CurlRuns(place, settings),
};
