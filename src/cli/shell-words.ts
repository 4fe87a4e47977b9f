/** Words of a command that a person may copy: as a shell takes them, and harmless on a terminal. */
import { escapeName } from '../view/index.js';

export const quoteForShell = (text: string): string =>
  /^[\w./:@%+=,-]+$/.test(text) ? text : `'${escapeName(text).replaceAll("'", `'\\''`)}'`;
