/**
 * What this terminal can do: columns, UTF-8, colour. The user's word comes first, then the environment, then what the stream is.
 */
import { createColors } from 'picocolors';
import { type Palette, plainPalette, type TerminalStyle } from '../view/index.js';

export interface StyleOptions {
  readonly columns?: number | undefined;
  readonly ascii?: boolean | undefined;
  readonly utc?: boolean | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Columns where no terminal says how many: a pipe, a file. */
const columnsOffTerminal = 100;

export function terminalStyle(options: StyleOptions, screen: Screen, environment: Environment): TerminalStyle {
  return {
    width: options.columns ?? (screen.isTTY === true && screen.columns ? screen.columns : columnsOffTerminal),
    unicode: options.ascii !== true && speaksUtf8(environment),
    palette: wantsColour(screen, environment) ? colourPalette() : plainPalette,
    times: options.utc === true ? 'utc' : 'relative',
  };
}

/** NO_COLOR (no-color.org) is obeyed before FORCE_COLOR; without either, colour is for terminals. */
function wantsColour(screen: Screen, environment: Environment): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return screen.isTTY === true && TERM !== 'dumb';
}

/** The locale's character set, by the first of the variables that is set (POSIX.1 §8.2). None set: the POSIX locale, so ASCII. */
function speaksUtf8({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  if (process.platform === 'win32' || process.platform === 'darwin') return true;
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

function colourPalette(): Palette {
  const colours = createColors(true);
  return {
    strong: colours.bold,
    faint: colours.dim,
    good: colours.green,
    warning: colours.yellow,
    bad: colours.red,
    client: colours.cyan,
    server: colours.blue,
    notable: colours.magenta,
  };
}
