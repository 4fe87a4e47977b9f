/**
 * The top of the page: the answer first. What is wrong, whose it is, what it cost and the one setting to change; then who kept the
 * caller waiting and who ended the connections, as a bar each; then what the capture cannot tell.
 */
import { nsPerMs } from '../../base/index.js';
import type { Fix, NotTheCause, Verdict } from '../../story/index.js';
import { type Markup, markup } from '../markup.js';
import { formatCount, formatDuration } from '../quantity.js';

export const levelWords = {
  bad: 'Bad',
  warning: 'Warning',
  info: 'Worth knowing',
  good: 'Good',
  unknown: 'Nothing to judge',
} as const;

const levelSigns = { bad: '✕', warning: '!', info: 'i', good: '✓', unknown: '?' } as const;

export const levelBadge = (level: keyof typeof levelWords): Markup =>
  markup`<span class="badge ${level}"><span aria-hidden="true">${levelSigns[level]}</span> ${levelWords[level]}</span>`;

export const ownerWords = { client: 'the client', server: 'the server', network: 'the network', proxy: 'the proxy' } as const;

export function verdictSection(verdict: Verdict): Markup {
  const { level, headline, owner, cost, change, waited, ended, limits } = verdict;
  const shares = [
    { key: 'server', title: 'server', amount: waited.serverMs, text: formatDuration(waited.serverMs * nsPerMs) },
    { key: 'network', title: 'network', amount: waited.networkMs, text: formatDuration(waited.networkMs * nsPerMs) },
    { key: 'client', title: 'client', amount: waited.clientMs, text: formatDuration(waited.clientMs * nsPerMs) },
  ];
  const endings = [
    { key: 'server', title: 'server', amount: ended.byServer, text: formatCount(ended.byServer) },
    { key: 'network', title: 'network', amount: ended.byNetwork, text: formatCount(ended.byNetwork) },
    { key: 'client', title: 'client', amount: ended.byClient, text: formatCount(ended.byClient) },
    { key: 'open', title: 'still open', amount: ended.open, text: formatCount(ended.open) },
  ];
  return markup`<section class="verdict ${level}" aria-labelledby="headline">
<p class="level">${levelBadge(level)}</p>
<h1 id="headline">${headline}.</h1>
${owner === null && cost === null && change === null ? null : answers(owner === null ? null : ownerWords[owner], cost, change)}
<div class="shares">
${shareBar('Who kept the caller waiting?', waited.text, shares)}
${shareBar('Who ended the connections?', ended.text, endings)}
</div>
${limits.length === 0 ? null : markup`<h2 class="minor-title">What this capture cannot tell</h2><ul class="limits">${limits.map((text) => markup`<li>${text}</li>`)}</ul>`}
</section>`;
}

const answers = (owner: string | null, cost: string | null, change: Fix | null): Markup => markup`<dl class="answers">
${owner === null ? null : markup`<div><dt>Owner</dt><dd>${owner}</dd></div>`}
${cost === null ? null : markup`<div><dt>Cost</dt><dd>${cost}</dd></div>`}
${change === null ? null : markup`<div class="change"><dt>The one setting to change <span class="for">${change.for}</span></dt><dd><code>${change.setting}</code><p>${change.why}</p></dd></div>`}
</dl>`;

interface Share {
  readonly key: string;
  readonly title: string;
  readonly amount: number;
  readonly text: string;
}

/** A bar of shares and its key; the sentence beside it says the same. */
function shareBar(title: string, text: string, shares: readonly Share[]): Markup {
  const sum = shares.reduce((all, { amount }) => all + amount, 0);
  let from = 0;
  const bars = shares
    .filter(({ amount }) => amount > 0)
    .map(({ key, amount }) => {
      const width = (100 * amount) / sum;
      const bar = markup`<rect class="key w-${key}" x="${+from.toFixed(3)}%" width="${+width.toFixed(3)}%" height="14"/>`;
      from += width;
      return bar;
    });
  const keys = shares
    .filter(({ amount }) => amount > 0)
    .map(({ key, title: name, text: said }) => markup`<li>${keySign(key)} ${name} ${said}</li>`);
  return markup`<div class="share"><h2 class="minor-title">${title}</h2><p>${text}</p>
${sum === 0 ? null : markup`<svg class="share-bar" width="100%" height="14" aria-hidden="true">${bars}</svg><ul class="keys">${keys}</ul>`}</div>`;
}

const keySign = (key: string): Markup =>
  markup`<svg class="key-sign" width="16" height="12" aria-hidden="true"><rect class="key w-${key}" x=".5" y=".5" width="15" height="11"/></svg>`;

export const notTheCauseSection = (told: readonly NotTheCause[]): Markup | null =>
  told.length === 0
    ? null
    : markup`<section id="not-the-cause" aria-labelledby="not-the-cause-title"><h2 id="not-the-cause-title">Not the cause</h2><ul class="cleared">${told.map(({ text }) => markup`<li>${text}</li>`)}</ul></section>`;
