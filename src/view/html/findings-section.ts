/**
 * Each finding with its evidence: the numbers of the packets and connections that prove it lead to the ladder where they are drawn.
 */
import { type Finding, type Fix, type Rule, rules } from '../../story/index.js';
import { type Markup, type MarkupPart, markup } from '../markup.js';
import { formatCount, formatCounted, formatEndpoint } from '../quantity.js';
import type { PageLinks } from './page-links.js';
import { levelBadge, ownerWords } from './verdict-section.js';

/** Findings shown in full, numbers shown of each, fixes that are not folded away. */
const findingLimits = { findings: 60, packets: 40, connections: 24, fixesOpen: 3 } as const;

export function findingsSection(findings: readonly Finding[], links: PageLinks): Markup {
  const shown = findings.slice(0, findingLimits.findings);
  const omitted = findings.length - shown.length;
  return markup`<section id="findings" aria-labelledby="findings-title"><h2 id="findings-title">Findings <span class="count">${formatCount(findings.length)}</span></h2>
${findings.length === 0 ? markup`<p class="empty">No rule fired on this capture.</p>` : groupsOf(shown).map((group, index) => findingArticle(group, index, links))}
${omitted > 0 ? markup`<p class="omitted">${formatCounted(omitted, 'finding')} more of less weight; <code>--json</code> has them all.</p>` : null}
</section>`;
}

/** What one rule found at several servers is told once: at the server with the most weight in full, at the others in brief. */
type Group = readonly [finding: Finding, ...others: Finding[]];

function groupsOf(findings: readonly Finding[]): Group[] {
  const groups = new Map<string, [Finding, ...Finding[]]>();
  for (const finding of findings) {
    const key = `${finding.level} ${finding.rule} ${finding.owner} ${finding.title}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [finding]);
    else group.push(finding);
  }
  return [...groups.values()];
}

function findingArticle([finding, ...others]: Group, index: number, links: PageLinks): Markup {
  const { rule, level, confidence, owner, title, detail, fixes, server } = finding;
  const about = rules.find(({ id }) => id === rule) ?? null;
  return markup`<article class="finding ${level}" aria-labelledby="finding-${index}">
<header>${levelBadge(level)}<h3 id="finding-${index}">${title}</h3></header>
<p class="meta"><span>owner: <b>${ownerWords[owner]}</b></span><span>confidence: <b>${confidence}</b></span><span>at <code>${formatEndpoint(server)}</code></span><span>rule <code>${rule}</code></span></p>
<p class="detail">${detail}</p>
${evidence(finding, links)}
${others.length === 0 ? null : otherServers(others, links)}
${fixes.length > 0 ? fixTables(fixes) : about?.noFix === undefined ? null : markup`<p class="no-fix">${about.noFix}</p>`}
${about === null ? null : aboutRule(about)}
</article>`;
}

const otherServers = (others: readonly Finding[], links: PageLinks): Markup =>
  markup`<details><summary>The same at ${formatCounted(others.length, 'other server')}</summary><ul class="others">${others.map(
    (finding) =>
      markup`<li>${finding.detail} <span class="soft">Confidence ${finding.confidence}.</span>${evidence(finding, links)}</li>`,
  )}</ul></details>`;

function evidence({ packets, connections, connectionCount }: Finding, links: PageLinks): Markup {
  const rows: Markup[] = [];
  if (packets.length > 0) {
    const shown = packets.slice(0, findingLimits.packets);
    rows.push(evidenceRow('Packets', shown.map(links.packet), packets.length - shown.length));
  }
  if (connections.length > 0) {
    const shown = connections.slice(0, findingLimits.connections);
    rows.push(
      evidenceRow('Connections', shown.map(links.connection), Math.max(connectionCount, connections.length) - shown.length),
    );
  }
  return markup`<dl class="evidence">${rows}</dl>`;
}

const evidenceRow = (title: string, items: readonly MarkupPart[], omitted: number): Markup =>
  markup`<div><dt>${title}</dt><dd>${items.map((item) => markup`${item} `)}${omitted > 0 ? markup`<span class="more">and ${formatCount(omitted)} more</span>` : null}</dd></div>`;

/** Further fixes are folded away: for one product they are the answer, for all others noise. */
function fixTables(fixes: readonly Fix[]): Markup {
  const others = fixes.slice(findingLimits.fixesOpen);
  return markup`${fixTable('What to change: one of these, the first if you can', fixes.slice(0, findingLimits.fixesOpen))}
${others.length === 0 ? null : markup`<details><summary>${formatCounted(others.length, 'setting')} for other products</summary>${fixTable('For other products', others)}</details>`}`;
}

const fixTable = (
  caption: string,
  fixes: readonly Fix[],
): Markup => markup`<div class="scroll"><table class="fixes"><caption>${caption}</caption>
<thead><tr><th scope="col">Where</th><th scope="col">Setting</th><th scope="col">Why</th></tr></thead>
<tbody>${fixes.map((fix) => markup`<tr><th scope="row">${fix.for}</th><td><code>${fix.setting}</code></td><td>${fix.why}</td></tr>`)}</tbody></table></div>`;

const aboutRule = ({ prose, notToConfuseWith }: Rule): Markup =>
  markup`<details><summary>What this is, and what it must not be confused with</summary><p>${prose}</p><p><b>Not to be confused with:</b> ${notToConfuseWith}</p></details>`;
