/**
 * Markup (HTML and SVG) from templates, with the one place where text becomes markup: whatever is put into a template is escaped,
 * unless it is markup made by a template itself. So a request target, a file name or a message can never be more than text.
 *
 *     markup`<td title="${target}">${target}</td>`
 *
 * Escaped are the characters that mean something in markup, and, visibly, everything that acts without being seen: control
 * characters, marks that turn the direction of text, lone surrogates. What is left is well-formed in HTML and in XML, within quoted
 * attributes and between tags. Templates put text nowhere else: not into scripts, styles, comments or unquoted attributes.
 */
import { escapeText } from './escape.js';

/** Text that is markup already. Only `markup` and `trusted` make it. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

export type MarkupPart = Markup | string | number | null | readonly MarkupPart[];

export function markup(strings: TemplateStringsArray, ...parts: readonly MarkupPart[]): Markup {
  let text = strings[0]!;
  for (const [index, part] of parts.entries()) text += textOf(part) + strings[index + 1]!;
  return new Markup(text);
}

/** Our own constant text, a style sheet for example. Never anything that came from outside. */
export const trusted = (text: string): Markup => new Markup(text);

/** Wire text (Latin-1, one character a byte), every byte readable; escaped as markup when it is put into a template. */
export const wireText = (text: string): string => escapeText(text);

function textOf(part: MarkupPart): string {
  if (part === null) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'number') return String(part);
  if (typeof part === 'string') return escapeMarkup(part);
  // Joined by concatenation: a page of megabytes is laid out once, at its end, and not once at each level.
  let text = '';
  for (const one of part) text += textOf(one);
  return text;
}

const acting = /[&<>"'`\p{C}\p{Zl}\p{Zp}]/gu;

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

const escapeMarkup = (text: string): string =>
  text.replace(acting, (character) => entities[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
