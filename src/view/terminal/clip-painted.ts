/** Painted lines in a given number of columns: colour codes (SGR, ECMA-48 §8.3.117) take none, every other character takes one. */

const reset = '\x1b[0m';
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is the escape character that is looked for.
const colourCode = /\x1b\[[0-9;]*m/g;

/** At most `columns` columns; colours that a cut leaves on are switched off. */
export function clipPainted(line: string, columns: number): string {
  if (line.length <= columns) return line;
  let room = Math.max(0, columns);
  let clipped = '';
  let at = 0;
  let coloured = false;
  for (const code of line.matchAll(colourCode)) {
    const text = line.slice(at, code.index);
    if (text.length > room) break;
    clipped += text + code[0];
    room -= text.length;
    at = code.index + code[0].length;
    coloured = true;
  }
  const nextCode = line.indexOf('\x1b[', at);
  const rest = line.slice(at, nextCode < 0 ? undefined : nextCode);
  const cut = rest.length > room || nextCode >= 0;
  return clipped + rest.slice(0, room) + (cut && coloured ? reset : '');
}

export const paintedWidth = (line: string): number => line.replace(colourCode, '').length;

/** Two texts at the two ends of a line; the right one is left out when there is no room. */
export function justify(left: string, right: string, columns: number): string {
  const free = columns - paintedWidth(left) - paintedWidth(right);
  return free < 1 ? clipPainted(left, columns) : left + ' '.repeat(free) + right;
}
