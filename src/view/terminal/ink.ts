/** Our own sentences have typographic signs; a terminal without them gets plain ones. */
import type { Script } from '../quantity.js';

const plainSigns: readonly (readonly [sign: string, plain: string])[] = [
  ['…', '...'],
  ['’', "'"],
  ['–', '-'],
  ['×', 'x'],
  ['±', '+-'],
  ['→', '->'],
  ['≥', '>='],
  ['≤', '<='],
  ['µ', 'u'],
];

export function plainInk(text: string, { unicode }: Script): string {
  return unicode ? text : plainSigns.reduce((inked, [sign, plain]) => inked.replaceAll(sign, plain), text);
}
