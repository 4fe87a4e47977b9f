/** The frame of a picture that stands alone: its colours, its signs, a title and a description for those who do not see it. */
import { type Markup, markup, trusted } from '../markup.js';
import { colourStyle, pictureStyle } from './picture-style.js';
import { symbolDefinitions } from './symbols.js';

export interface PictureInput {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly description: string;
  readonly content: Markup;
}

const textStyle = `text{font:13px/1 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;fill:var(--ink)}
.ground{fill:var(--ground)}
.title{font-size:20px;font-weight:700}
.small{font-size:12px;fill:var(--soft)}.soft{fill:var(--soft)}
.head{font-size:12px;font-weight:600;fill:var(--soft)}
.mono{font:11px/1 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.number{font-variant-numeric:tabular-nums}.right{text-anchor:end}.middle{text-anchor:middle}.strong{font-weight:700}
.tone-good{fill:var(--good)}.tone-bad{fill:var(--bad)}.tone-warning,.tone-notable{fill:var(--warning)}.tone-neutral{fill:var(--soft)}
.rule{stroke:var(--line)}`;

/** A whole SVG document. */
export function renderPicture({ width, height, title, description, content }: PictureInput): string {
  return markup`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">
<title id="title">${title}</title><desc id="description">${description}</desc>
<style>${trusted(`${colourStyle('svg')}\n${textStyle}\n${pictureStyle}`)}</style>
${symbolDefinitions}
<rect class="ground" width="${width}" height="${height}"/>
${content}
</svg>
`.text;
}

/** Words in lines of at most so many characters. */
export function linesOf(text: string, characters: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= characters) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word.slice(0, characters));
  }
  return lines;
}
