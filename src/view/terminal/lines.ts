/** Laying out plain text in lines. Everything here counts one column a character; text is painted after it has its place. */

/** Words in lines of at most `width` columns. */
export function wrapWords(text: string, width: number): string[] {
  return wrapItems(text.split(' '), ' ', width);
}

/** Items joined by `separator`, in lines of at most `width` columns; only an item longer than a line is broken inside. */
export function wrapItems(items: readonly string[], separator: string, width: number): string[] {
  const lines: string[] = [];
  let line: string | null = null;
  for (const item of items.flatMap((whole) => piecesOf(whole, width))) {
    if (line === null) line = item;
    else if (line.length + separator.length + item.length <= width) line += separator + item;
    else {
      lines.push(line);
      line = item;
    }
  }
  if (line !== null) lines.push(line);
  return lines;
}

function piecesOf(item: string, width: number): string[] {
  if (item.length <= width || width < 1) return [item];
  return Array.from({ length: Math.ceil(item.length / width) }, (_, index) => item.slice(index * width, (index + 1) * width));
}

/** A label and what belongs to it, the further lines under the first: `  Requests   412 on 120 connections`. */
export function labelled(label: string, lines: readonly string[], labelWidth: number): string[] {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(labelWidth)}  ${line}`);
}
