/** What the signs of a timeline mean: only those that can be seen in it. */
import type { Lane } from '../lane.js';
import { type Markup, markup } from '../markup.js';
import { outcomeSigns } from './lane-picture.js';

export interface LegendItem {
  /** A picture of 26 by 18. */
  readonly sign: Markup;
  readonly text: string;
}

export const legendSign = { width: 26, height: 18 } as const;

const middle = legendSign.height / 2;

export function legendItems(lanes: readonly Lane[]): LegendItem[] {
  const bars = lanes.flatMap((lane) => lane.bars);
  const points = new Set(lanes.flatMap((lane) => lane.points.map(({ kind }) => kind)));
  const hows = new Set(lanes.map(({ ending }) => ending.how));
  const drawn = (content: Markup): Markup =>
    markup`<svg class="legend-sign" width="${legendSign.width}" height="${legendSign.height}" aria-hidden="true">${content}</svg>`;
  const use = (id: string, y = middle): Markup => drawn(markup`<use href="#${id}" x="${legendSign.width / 2}" y="${y}"/>`);
  const text = (sign: string, tone: string): Markup =>
    drawn(markup`<text class="sign ${tone}" x="${legendSign.width / 2}" y="13">${sign}</text>`);
  const items: [isSeen: boolean, sign: Markup, text: string][] = [];
  for (const who of ['server', 'network', 'client'] as const) {
    items.push([
      bars.some(({ waitedOn }) => waitedOn === who),
      drawn(
        markup`<rect class="bar w-${who}" x="1" y="${middle - 4}" width="14" height="8"/><rect class="bar w-${who}" x="15" y="${middle - 7}" width="10" height="14"/>`,
      ),
      `waiting mostly for the ${who}`,
    ]);
  }
  items.push([
    bars.some(({ firstByteNs }) => firstByteNs !== null),
    drawn(
      markup`<line class="g-line" x1="2" x2="12" y1="${middle - 4}" y2="${middle - 4}"/><line class="g-line" x1="2" x2="12" y1="${middle + 4}" y2="${middle + 4}"/><path class="g-line" d="M12 ${middle - 4}V${middle - 7}H24M12 ${middle + 4}V${middle + 7}H24"/>`,
    ),
    'thin: before the first byte, thick: the answer coming',
  ]);
  items.push([bars.some(({ outcome }) => outcome === 'unanswered'), text(outcomeSigns.unanswered, ''), 'no answer']);
  items.push([bars.some(({ outcome }) => outcome === 'cut'), text(outcomeSigns.cut, ''), 'not finished']);
  items.push([bars.some(({ outcome }) => outcome === 'server-error'), text(outcomeSigns['server-error'], ''), 'status 5xx']);
  items.push([
    bars.some(({ outcome }) => outcome === 'client-error'),
    text(outcomeSigns['client-error'], 'warning'),
    'status 4xx',
  ]);
  items.push([points.has('probe'), use('s-probe'), 'probe']);
  items.push([points.has('repeat'), use('s-repeat'), 'sent again']);
  items.push([points.has('stall'), use('s-stall'), 'zero window']);
  items.push([points.has('missing'), use('s-missing'), 'missing in the capture']);
  items.push([hows.has('fin'), use('e-fin'), 'FIN']);
  items.push([hows.has('rst'), use('e-rst'), 'RST']);
  items.push([hows.has('timeout'), use('e-timeout'), 'no answer any more']);
  items.push([hows.has('open'), use('e-open', middle), 'still open']);
  items.push([
    lanes.some(({ ending }) => ending.by === 'client'),
    use('c-client', middle + 12),
    'closed by the client (above the line)',
  ]);
  items.push([lanes.some(({ ending }) => ending.by === 'server'), use('c-server', middle - 12), 'closed by the server (below)']);
  return items.filter(([isSeen]) => isSeen).map(([, sign, words]) => ({ sign, text: words }));
}
