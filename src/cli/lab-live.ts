/**
 * The live ladder of the lab: a line for each packet worth telling, as it passes. Client on the left, server on the right; runs of
 * data and everything behind `linesLimit` are counted, not told.
 */
import type { Observation, Side } from '../base/index.js';
import { escapeText, formatBytes, formatDuration, type TerminalStyle } from '../view/index.js';

/** Lines told of one scenario. */
const linesLimit = 80;
/** Columns between the two rails at the most. */
const mostRoom = 64;
const margin = 18;

interface Told {
  readonly label: string;
  readonly paint: keyof TerminalStyle['palette'];
}

const calls: Readonly<Partial<Record<string, Told>>> = {
  'keep-alive-probe': { label: 'TCP keep-alive probe', paint: 'notable' },
  'keep-alive-answer': { label: 'ACK of the probe', paint: 'notable' },
  retransmission: { label: 'retransmission', paint: 'warning' },
  'fast-retransmission': { label: 'fast retransmission', paint: 'warning' },
};

/** Takes observations and writes lines. */
export class LiveLadder {
  readonly #style: TerminalStyle;
  readonly #write: (line: string) => void;
  #zeroNs: number | null = null;
  #lines = 0;
  #untold = 0;
  /** Where the last line was plain data, of which more is not told. */
  #inData = '';
  readonly #room: number;

  constructor(style: TerminalStyle, write: (line: string) => void) {
    this.#style = style;
    this.#write = write;
    this.#room = Math.min(mostRoom, Math.max(30, style.width - margin - 4));
  }

  /** A remark that is no packet, under the arrows. */
  beside(text: string): string {
    return `${' '.repeat(margin)}${text}`;
  }

  /** Says how many lines were left out. */
  end(): void {
    if (this.#untold > 0) this.#write(this.#style.palette.faint(`${' '.repeat(margin)}and ${this.#untold} more`));
  }

  readonly observe = (observation: Observation): void => {
    const told = this.#wordsOf(observation);
    if (told === null || !('from' in observation)) return;
    this.#zeroNs ??= observation.atNs;
    if (this.#lines >= linesLimit) {
      this.#untold++;
      return;
    }
    this.#lines++;
    this.#write(this.#lineOf(observation.connection, observation.atNs - this.#zeroNs, observation.from, told));
  };

  #wordsOf(observation: Observation): Told | null {
    if (observation.kind !== 'bytes') this.#inData = '';
    switch (observation.kind) {
      case 'syn':
        return { label: observation.acknowledges ? 'SYN-ACK' : 'SYN', paint: 'faint' };
      case 'fin':
        return { label: 'FIN', paint: 'strong' };
      case 'reset':
        return { label: 'RST', paint: 'bad' };
      case 'call':
        return calls[observation.call] ?? null;
      case 'bytes':
        return this.#wordsOfBytes(observation);
      default:
        return null;
    }
  }

  #wordsOfBytes({ connection, from, data, start, end }: Extract<Observation, { kind: 'bytes' }>): Told | null {
    const line = /^(?:[A-Z]{3,10} \S+ HTTP\/\d\.\d|HTTP\/\d\.\d \d{3}[^\r\n]*)/.exec(
      Buffer.from(data.buffer, data.byteOffset + start, Math.min(200, end - start)).toString('latin1'),
    )?.[0];
    const here = `${connection} ${from}`;
    if (line !== undefined) {
      this.#inData = here;
      return { label: line, paint: from };
    }
    if (this.#inData === here) return null;
    this.#inData = here;
    return { label: formatBytes(end - start), paint: 'faint' };
  }

  #lineOf(connection: number, sinceNs: number, from: Side, { label, paint }: Told): string {
    const { palette, unicode } = this.#style;
    const line = unicode ? '─' : '-';
    const [rail, right, left] = unicode ? ['│', '▶', '◀'] : ['|', '>', '<'];
    const shown = escapeText(label).slice(0, this.#room - 6);
    const rest = palette.faint(line.repeat(this.#room - shown.length - 4));
    const text = palette[paint](shown);
    const arrow =
      from === 'client' ? `${rail}${line} ${text} ${rest}${right}${rail}` : `${rail}${left}${rest} ${text} ${line}${rail}`;
    return `${formatDuration(sinceNs, { unicode }).padStart(9)} ${palette.faint(`#${connection}`.padStart(5))}  ${arrow}`;
  }
}
