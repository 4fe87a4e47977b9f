/**
 * Visible escapes for text that came from the wire, a file name or a message.
 *
 * Wire text is hostile: an ESC sequence in a request target can retitle or rewrite a terminal, a C1 control (0x9b) starts
 * one without an ESC, a bidirectional mark turns a line around. After escaping, every byte is readable, nothing acts, and
 * each character takes one column. The escapes are unambiguous: a backslash of the text itself is doubled.
 *
 * Deliberately absent: HTML escaping. A renderer that writes markup does that in addition.
 */

/** Characters of a text that are looked at; what is behind them is left out and said so by an ellipsis. */
export const escapedTextLimit = 2048;

const plain = /^[\x20-\x5b\x5d-\x7e]*$/;
const notPlain = /[^\x20-\x5b\x5d-\x7e]/g;

const escapeCharacter = (character: string): string => {
  switch (character) {
    case '\\':
      return '\\\\';
    case '\n':
      return '\\n';
    case '\r':
      return '\\r';
    case '\t':
      return '\\t';
    default: {
      const code = character.charCodeAt(0);
      return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
    }
  }
};

/** Wire text (Latin-1, one character a byte) as printable ASCII: control bytes and everything above 0x7e become `\xHH`. */
export function escapeText(text: string): string {
  const cut = text.length > escapedTextLimit;
  const kept = cut ? text.slice(0, escapedTextLimit) : text;
  const escaped = plain.test(kept) ? kept : kept.replace(notPlain, escapeCharacter);
  return cut ? `${escaped}...` : escaped;
}

const notName = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** File names and sentences of ours: Unicode letters stay, what controls a terminal or the direction of text is escaped. */
export function escapeName(text: string): string {
  return text.slice(0, escapedTextLimit).replace(notName, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** `text` in at most `width` columns; the end of a longer one is replaced by `ellipsis`. Expects escaped text. */
export function clipEnd(text: string, width: number, ellipsis: string): string {
  if (text.length <= width) return text;
  return width <= ellipsis.length ? text.slice(0, Math.max(0, width)) : text.slice(0, width - ellipsis.length) + ellipsis;
}

/** As `clipEnd`, but the end is kept and the start given up: the last part of an address tells more than its first. */
export function clipStart(text: string, width: number, ellipsis: string): string {
  if (text.length <= width) return text;
  return width <= ellipsis.length
    ? text.slice(text.length - Math.max(0, width))
    : ellipsis + text.slice(text.length - width + ellipsis.length);
}
