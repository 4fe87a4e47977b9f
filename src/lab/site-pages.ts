/** The pages of the server for people: its own index, and the listing of a folder. File names are hostile: they are text and encoded links. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { colourStyle, formatBytes, type Markup, markup, trusted } from '../view/index.js';

/** Entries of a folder that are listed; the rest is counted. */
const listedEntriesLimit = 5_000;

const style = trusted(`${colourStyle(':root')}
html{color-scheme:light dark}body{margin:2rem auto;max-width:60rem;padding:0 1rem;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.3rem}a{color:var(--info)}table{border-collapse:collapse;width:100%}th{text-align:left;color:var(--soft);font-weight:600}
td,th{padding:.25rem 1rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}td.number,th.number{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
code{font:.92em/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}footer,.soft{color:var(--soft)}`);

const page = (title: string, body: Markup): Markup => markup`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title}</title>
<style>${style}</style>
${body}
`;

export interface DescribedRoute {
  readonly path: string;
  /** With parameters, as one would type it. */
  readonly example: string;
  readonly text: string;
}

/** `folder`: files are served too, at `/`. */
export function indexPage(routes: readonly DescribedRoute[], folder: boolean): Markup {
  const rows = routes.map(
    ({ example, text }) => markup`<tr><td><a href="${example}"><code>${example}</code></a></td><td>${text}</td></tr>\n`,
  );
  return page(
    'holdfast serve',
    markup`<h1>holdfast serve</h1>
<p>A server that does what it is asked to, so that clients, proxies and packet captures can be watched while it happens.</p>
${folder ? markup`<p><a href="/">The files</a></p>` : null}
<table><tr><th>Path</th><th>What it does</th></tr>
${rows}</table>`,
  );
}

/** `target`: of the folder, with its slash at the end. */
export async function listingPage(path: string, target: string, dotFiles: boolean, routesAt: string | null): Promise<Markup> {
  const all = await readdir(path, { withFileTypes: true });
  const shown = all
    .filter(({ name }) => dotFiles || !name.startsWith('.'))
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
    .sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || (a.name < b.name ? -1 : 1));
  const rows: Markup[] = [];
  for (const { name, isFolder } of shown.slice(0, listedEntriesLimit)) {
    const facts = await stat(join(path, name)).catch(() => null);
    const slash = isFolder ? '/' : '';
    rows.push(
      markup`<tr><td><a href="${`./${encodeURIComponent(name)}${slash}`}">${name}${slash}</a></td><td class="number">${facts === null || isFolder ? '' : formatBytes(facts.size)}</td><td class="number">${facts === null ? '' : `${facts.mtime.toISOString().slice(0, 19).replace('T', ' ')} UTC`}</td></tr>\n`,
    );
  }
  const left = shown.length - rows.length;
  const shownTarget = decodeURIComponent(target);
  return page(
    shownTarget,
    markup`<h1>${shownTarget}</h1>
<table><tr><th>Name</th><th class="number">Size</th><th class="number">Changed</th></tr>
${target === '/' ? null : markup`<tr><td><a href="../">../</a></td><td></td><td></td></tr>\n`}${rows}</table>
${left > 0 ? markup`<p class="soft">${left} more are not listed.</p>` : null}
${routesAt === null ? null : markup`<footer><p><a href="${routesAt}">What else this server does</a></p></footer>`}`,
  );
}
