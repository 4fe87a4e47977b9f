/**
 * The promise of the page layers: the built modules of base, wire, packets, story and view run in a browser tab as they are, and
 * say there what the command says here, to the byte.
 *
 * Chromium gets the files over HTTP from 127.0.0.1, with an import map made of the package's own exports; a page layer that
 * imported anything of Node or from npm would not load.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, normalize } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Browser, Page } from 'playwright-core';
import { launchChromium, withoutChromium } from './browser.js';

const pageLayers = ['base', 'wire', 'packets', 'story', 'view'];
const contentTypes: Readonly<Record<string, string>> = { '.js': 'text/javascript', '.html': 'text/html' };

/** Serves the built page layers, the examples, and one page with the import map. */
function startServer(): Server {
  const imports = Object.fromEntries(pageLayers.map((layer) => [`holdfast/${layer}`, `/dist/${layer}/index.js`]));
  const page = `<!doctype html><title>Holdfast</title><script type="importmap">${JSON.stringify({ imports })}</script>`;
  const served = [...pageLayers.map((layer) => `dist/${layer}/`), 'examples/', '.test-out/test/web-page/'];
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)).slice(1);
    if (path === '') response.setHeader('Content-Type', 'text/html').end(page);
    else if (served.some((folder) => path.startsWith(folder)) && existsSync(path)) {
      response.setHeader('Content-Type', contentTypes[extname(path)] ?? 'application/octet-stream').end(readFileSync(path));
    } else response.writeHead(path === 'favicon.ico' ? 204 : 404).end();
  });
  return server.listen(0, '127.0.0.1');
}

/** In the page: fetches an example, unpacks it if need be, and explains it. */
const explainInPage = (file: string): string => `(async () => {
  const { explainBytes } = await import('/.test-out/test/web-page/explain-bytes.js');
  const response = await fetch('/${file}');
  const stream = ${file.endsWith('.gz')} ? response.body.pipeThrough(new DecompressionStream('gzip')) : response.body;
  return explainBytes('${file}', new Uint8Array(await new Response(stream).arrayBuffer()));
})()`;

describe('in a browser tab', { skip: withoutChromium }, () => {
  let server: Server;
  let browser: Browser;
  let page: Page;
  const failures: string[] = [];

  before(async () => {
    server = startServer();
    await once(server, 'listening');
    browser = await launchChromium();
    page = await browser.newPage();
    page.on('pageerror', (error) => failures.push(error.message));
    page.on('response', (response) => {
      if (response.status() >= 400) failures.push(`${response.status()} ${response.url()}`);
    });
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  });

  after(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  for (const name of readdirSync('examples').filter((each) => each.includes('.pcap'))) {
    it(`explains ${name} as the command does`, async () => {
      const file = `examples/${name}`;
      const inPage = await page.evaluate(explainInPage(file));
      const byCommand = execFileSync(process.execPath, ['bin/holdfast.js', 'explain', '--json', file], { encoding: 'utf8' });
      assert.deepEqual(JSON.parse(inPage as string), JSON.parse(byCommand));
      assert.deepEqual(failures, []);
    });
  }
});
