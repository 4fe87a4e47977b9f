/**
 * `explain --html FILE` and `--svg FILE`: the page and the picture, beside what is printed.
 *
 * The ladders of a page need every packet of some connections, and which ones they are is known only when all has been read: the capture is
 * read a second time for them. What cannot be read twice (standard input, a pipe) is kept in a temporary file meanwhile, up to
 * a limit; beyond it the page has no ladders and says why. Memory stays flat either way.
 */
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { access, type FileHandle, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SourceSummary } from '../base/index.js';
import { observeCapture } from '../packets/index.js';
import { type Connection, Story, type Totals } from '../story/index.js';
import {
  clockOf,
  connectionsOfInterest,
  type Diagnosed,
  formatBytes,
  PageCollector,
  renderLadderPicture,
  renderPage,
  renderTimeline,
} from '../view/index.js';
import type { PairReading, WritePage } from './capture-pair.js';
import { CommandFailure } from './failure.js';
import { openInput } from './open-input.js';
import type { Output } from './output.js';

/** Bytes of an input that cannot be read twice that are kept for the second reading. */
const keptInputLimit = 1024 * 1024 * 1024;

export interface PictureOptions {
  readonly html?: string;
  readonly svg?: string;
  readonly connection?: number;
}

export interface PictureEnvironment {
  readonly output: Output;
  readonly tell: (message: string) => unknown;
  /** What chose the connections, in words; null when all are shown. */
  readonly chosenBy: string | null;
}

export interface PictureFacts {
  readonly name: string;
  readonly source: SourceSummary;
  readonly totals: Totals;
  readonly diagnosed: Diagnosed;
}

/** Gathers what the page and the picture need while a capture is read, and writes them. */
export class Pictures {
  readonly #input: string;
  readonly #options: PictureOptions;
  readonly #environment: PictureEnvironment;
  readonly #collector = new PageCollector();
  #kept: KeptInput | null = null;
  #only: Connection | null = null;

  constructor(input: string, options: PictureOptions, environment: PictureEnvironment) {
    this.#input = input;
    this.#options = options;
    this.#environment = environment;
  }

  /** `isFile`: the input can be read a second time. */
  async begin(isFile: boolean): Promise<void> {
    for (const path of this.#paths()) await checkWritable(path);
    if (!isFile && this.#options.html !== undefined) this.#kept = await KeptInput.create();
  }

  /** Bytes that were read. Only what cannot be read twice is kept. */
  async chunk(bytes: Uint8Array): Promise<void> {
    await this.#kept?.add(bytes);
  }

  connection(connection: Connection): void {
    this.#collector.add(connection);
    if (connection.id === this.#options.connection) this.#only = connection;
  }

  /** `pair`: the page waits for the other capture. */
  async end(facts: PictureFacts, pair?: Pick<PairReading, 'hold'>): Promise<void> {
    const { html, svg } = this.#options;
    const data = this.#collector.end();
    const { name, source, diagnosed } = facts;
    if (svg !== undefined) {
      const picture =
        this.#only === null
          ? renderTimeline({ name, source, data, headline: diagnosed.verdict.headline })
          : renderLadderPicture(this.#only, clockOf(source), name);
      await this.#write(svg, picture);
    }
    if (html === undefined) return;
    const ids = connectionsOfInterest(diagnosed.findings, data.mostTelling);
    const { detailed, laddersMissing } = await this.#secondReading(ids);
    const { chosenBy } = this.#environment;
    const write: WritePage = (compared) =>
      this.#write(html, renderPage({ ...facts, data, detailed, laddersMissing, chosenBy, compared }));
    if (pair === undefined) await write(null);
    else pair.hold(write);
  }

  /** Gives back what was kept. May be called at any time, and again. */
  async close(): Promise<void> {
    await this.#kept?.remove();
    this.#kept = null;
  }

  #paths(): string[] {
    const { html, svg } = this.#options;
    return [html, svg].filter((path) => path !== undefined && path !== '-') as string[];
  }

  async #write(path: string, text: string): Promise<void> {
    if (path === '-') {
      this.#environment.output.write(text);
      return;
    }
    try {
      await writeFile(path, text);
    } catch (error) {
      throw unwritable(path, error);
    }
    this.#environment.tell(`${path} written, ${formatBytes(Buffer.byteLength(text))}`);
  }

  async #secondReading(ids: readonly number[]): Promise<{ detailed: Connection[]; laddersMissing: string | null }> {
    if (ids.length === 0) return { detailed: [], laddersMissing: null };
    const path = this.#kept === null ? this.#input : this.#kept.path;
    if (path === null)
      return {
        detailed: [],
        laddersMissing: `Ladders need a second reading, and the input could not be kept for it (${formatBytes(keptInputLimit)} at the most): save the capture to a file first.`,
      };
    const found = await readConnections(path, new Set(ids));
    return {
      detailed: ids.flatMap((id) => found.get(id) ?? []),
      laddersMissing: found.size < ids.length ? 'The capture changed while it was read: some ladders are missing.' : null,
    };
  }
}

async function readConnections(path: string, ids: ReadonlySet<number>): Promise<Map<number, Connection>> {
  const found = new Map<number, Connection>();
  const story = new Story({
    onConnection: (connection) => {
      if (ids.has(connection.id)) found.set(connection.id, connection);
    },
    detailOf: ids,
  });
  // Stories of others would only take memory.
  const capture = observeCapture({
    observe: (observation) => {
      if (ids.has(observation.connection)) story.observe(observation);
    },
  });
  for await (const chunk of (await openInput(path)).chunks) {
    capture.push(chunk);
    // Everything wanted is there: the rest of the capture tells nothing more.
    if (capture.done || found.size === ids.size) break;
  }
  capture.end();
  story.end();
  return found;
}

/** A temporary file that holds an input for its second reading, as long as it fits: within the limit, and on the disk. */
class KeptInput {
  readonly #path: string;
  readonly #handle: FileHandle;
  #bytes = 0;
  #isWhole = true;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async create(): Promise<KeptInput> {
    const path = join(tmpdir(), `holdfast-${randomUUID()}`);
    return new KeptInput(path, await open(path, 'wx', 0o600));
  }

  async add(bytes: Uint8Array): Promise<void> {
    if (!this.#isWhole) return;
    this.#bytes += bytes.length;
    try {
      if (this.#bytes <= keptInputLimit) return await this.#handle.writeFile(bytes);
    } catch {
      // No room in the folder for temporary files: the page goes without ladders.
    }
    this.#isWhole = false;
    await this.#handle.truncate(0);
  }

  /** Where it is; null when it did not fit. */
  get path(): string | null {
    return this.#isWhole ? this.#path : null;
  }

  async remove(): Promise<void> {
    await this.#handle.close();
    await rm(this.#path, { force: true });
  }
}

/** Told before the capture is read, not after. */
async function checkWritable(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK);
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): CommandFailure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const why = {
    ENOENT: 'there is no such folder',
    EACCES: 'permission denied',
    EISDIR: 'it is a directory',
    ENOSPC: 'the disk is full',
  }[String(code)];
  return new CommandFailure(
    'output-failed',
    `cannot write ${path}: ${why ?? (error instanceof Error ? error.message : String(error))}`,
    {
      cause: error,
    },
  );
}
