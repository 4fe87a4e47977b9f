/**
 * What a terminal can do, given in from outside: width, script, colours. Colours have the names of their meaning, so that a view
 * never says "red", and a palette without colours is one that changes nothing. No meaning rests on colour alone.
 */
import type { Script } from '../quantity.js';

export type Paint = (text: string) => string;

export interface Palette {
  readonly strong: Paint;
  readonly faint: Paint;
  readonly good: Paint;
  readonly warning: Paint;
  readonly bad: Paint;
  readonly client: Paint;
  readonly server: Paint;
  readonly notable: Paint;
}

const same: Paint = (text) => text;

export const plainPalette: Palette = {
  strong: same,
  faint: same,
  good: same,
  warning: same,
  bad: same,
  client: same,
  server: same,
  notable: same,
};

export interface TerminalStyle extends Script {
  /** Columns of a line. */
  readonly width: number;
  readonly palette: Palette;
  /** Times since the first packet, or times of day in UTC. */
  readonly times: 'relative' | 'utc';
}

/** Narrower than this, lines are laid out for this many columns all the same, and the terminal wraps them. */
export const leastWidth = 60;

interface Glyphs {
  readonly ellipsis: string;
  readonly arrow: string;
  readonly bullet: string;
  readonly times: string;
  readonly opening: string;
  readonly joined: string;
  readonly request: string;
  readonly waiting: string;
  readonly answer: string;
  readonly bytes: string;
  readonly gap: string;
  readonly probe: string;
  readonly end: Readonly<Record<'fin' | 'rst' | 'timeout' | 'open', string>>;
  readonly line: string;
  readonly rail: string;
  readonly broken: string;
  readonly toRight: string;
  readonly toLeft: string;
}

const unicodeGlyphs: Glyphs = {
  ellipsis: '…',
  arrow: '→',
  bullet: '·',
  times: '×',
  opening: '├',
  joined: '┊',
  request: '▒',
  waiting: '░',
  answer: '█',
  bytes: '▬',
  gap: '·',
  probe: '°',
  end: { fin: '┤', rst: '╳', timeout: '┊', open: '→' },
  line: '─',
  rail: '│',
  broken: '⋮',
  toRight: '▶',
  toLeft: '◀',
};

const asciiGlyphs: Glyphs = {
  ellipsis: '..',
  arrow: '->',
  bullet: '-',
  times: 'x',
  opening: '|',
  joined: ':',
  request: '%',
  waiting: '-',
  answer: '#',
  bytes: '=',
  gap: '.',
  probe: 'o',
  end: { fin: '|', rst: 'X', timeout: ':', open: '>' },
  line: '-',
  rail: '|',
  broken: ':',
  toRight: '>',
  toLeft: '<',
};

export const glyphsOf = ({ unicode }: Script): Glyphs => (unicode ? unicodeGlyphs : asciiGlyphs);
