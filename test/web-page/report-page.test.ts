/**
 * The report as a browser shows it: hostile captures do nothing and break nothing, nothing is loaded, tables sort and filter, and without
 * script all can be read.
 */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { captureOf, conversation, holdfast, temporaryFile } from '../cli/run-command.js';
import { launchChromium, withoutChromium } from './browser.js';

/** Each would set `ran` on the page if any of it were more than text. */
const hostileTargets = [
  '/<script>window.ran=1</script>',
  '/"><img/src=x/onerror=window.ran=2>',
  "/'onmouseover='window.ran=3'autofocus/onfocus='window.ran=4",
  '/</title></style></svg></script><svg/onload=window.ran=5>',
  '/<!--\x1b]0;title\x07\x9b31m\x7f-->',
  '/javascript:window.ran=6//\xe2\x80\xa8\xe2\x80\xae',
  `/${'a'.repeat(3000)}`,
  `/${'%F0%9F%92%A9'.repeat(200)}`,
];

const hostileCapture = (): Uint8Array =>
  captureOf(
    ...hostileTargets.map((target, index) =>
      conversation({
        target,
        clientPort: 41_000 + index,
        startSeconds: index,
        status: index % 3 === 0 ? '503 <svg/onload=window.ran=7>' : '200 OK',
        ending: index % 4 === 3 ? 'reset' : 'fin',
      }),
    ),
  );

/** Its name is hostile too. */
const hostileFile = temporaryFile('<img src=x onerror=window.ran=8>.pcap', hostileCapture());

describe('the report page', { skip: withoutChromium }, () => {
  let browser: Browser;
  let hostilePage: string;
  let examplePage: string;

  const pageOf = (capture: string, name: string): string => {
    const path = temporaryFile(name, '');
    const { code, errors } = holdfast(['explain', capture, '--html', path]);
    assert.equal(code, 0, errors);
    return path;
  };

  before(async () => {
    browser = await launchChromium();
    hostilePage = pageOf(hostileFile, 'hostile.html');
    examplePage = pageOf('examples/stale-reuse.pcap', 'example.html');
  });

  after(async () => {
    await browser?.close();
  });

  /** Opens a page from disk; collects what it loads, what it complains about, and what it wants to ask. */
  const openPage = async (path: string, options: BrowserContextOptions = {}): Promise<{ page: Page; trouble: string[] }> => {
    const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, ...options });
    const trouble: string[] = [];
    const address = pathToFileURL(path).href;
    page.on('request', (request) => {
      if (request.url() !== address) trouble.push(`loads ${request.url()}`);
    });
    page.on('console', (message) => trouble.push(message.text()));
    page.on('pageerror', (error) => trouble.push(error.message));
    page.on('dialog', (dialog) => {
      trouble.push(`asks ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(address);
    return { page, trouble };
  };

  const overflow = (page: Page): Promise<number> => page.evaluate('document.documentElement.scrollWidth - window.innerWidth');

  it('runs nothing and loads nothing of a hostile capture', async () => {
    const { page, trouble } = await openPage(hostilePage);
    // Whoever reads it moves over it, clicks, and opens everything.
    await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
    for (const name of ['h1', '.exchanges .c-request', '.rung .label', '.lane'])
      await page.locator(name).first().hover({ force: true });
    assert.equal(await page.evaluate('window.ran'), undefined);
    assert.deepEqual(trouble, []);
    assert.equal(await page.evaluate(`document.querySelectorAll('script, style').length`), 2);
    assert.equal(
      await page.evaluate(`document.querySelectorAll('img, iframe, object, embed, link, base, [onerror], [onload]').length`),
      0,
    );
    assert.match(await page.title(), /^.*<img src=x onerror=window\.ran=8>\.pcap – Holdfast$/);
    const text = (await page.locator('#exchanges').textContent())!;
    assert.ok(text.includes('/<script>window.ran=1</script>'), 'it is shown as text');
    await page.close();
  });

  it('is stopped by its policy should text ever become markup', async () => {
    const broken = temporaryFile('broken.html', '');
    const inserted = '<script>window.ran=1</script><img src="x" onerror="window.ran=2"><p style="color:red">x</p>';
    writeFileSync(broken, readFileSync(examplePage, 'utf8').replace('<main>', `<main>${inserted}`));
    const { page, trouble } = await openPage(broken);
    assert.equal(await page.evaluate('window.ran'), undefined);
    assert.ok(trouble.some((text) => text.includes('Content Security Policy')));
    await page.close();
  });

  for (const width of [320, 420, 900, 1400]) {
    it(`fits a window of ${width} pixels, whatever the capture holds`, async () => {
      for (const path of [hostilePage, examplePage]) {
        const { page } = await openPage(path, { viewport: { width, height: 800 } });
        await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = true`);
        assert.ok((await overflow(page)) <= 0, path);
        await page.close();
      }
    });
  }

  it('sorts by a head, with mouse and keyboard, and says how', async () => {
    const { page, trouble } = await openPage(hostilePage);
    const head = page.locator('#exchanges-table th').filter({ hasText: 'Status' });
    const statuses = (): Promise<number[]> =>
      page.evaluate(
        `[...document.querySelectorAll('#exchanges-table .rows .c-status')].map((cell) => Number(cell.dataset.value))`,
      );
    const unsorted = await statuses();
    assert.equal(await head.getAttribute('aria-sort'), 'none');
    await head.locator('button').click();
    assert.equal(await head.getAttribute('aria-sort'), 'ascending');
    assert.deepEqual(
      await statuses(),
      [...unsorted].sort((a, b) => a - b),
    );
    await head.locator('button').focus();
    await page.keyboard.press('Enter');
    assert.equal(await head.getAttribute('aria-sort'), 'descending');
    assert.deepEqual(
      await statuses(),
      [...unsorted].sort((a, b) => b - a),
    );
    const other = page.locator('#exchanges-table th').filter({ hasText: 'Request' });
    await other.locator('button').click();
    assert.equal(await head.getAttribute('aria-sort'), 'none');
    assert.deepEqual(trouble, []);
    await page.close();
  });

  it('shows only the rows that hold the words, and says how many', async () => {
    const { page } = await openPage(hostilePage);
    const visible = (): Promise<number> =>
      page.evaluate(`[...document.querySelectorAll('#connections-table .rows tr')].filter((row) => !row.hidden).length`);
    const form = page.locator('form[data-filter=connections-table]');
    assert.equal(await visible(), hostileTargets.length);
    await form.locator('input[type=search]').fill('41003 RST');
    assert.equal(await visible(), 1);
    assert.equal(await form.locator('output').textContent(), `1 of ${hostileTargets.length} rows`);
    await form.locator('input[type=search]').fill('no such thing');
    assert.equal(await visible(), 0);
    await form.locator('input[type=search]').fill('');
    await form.locator('input[type=checkbox]').check();
    const troubled = await visible();
    assert.ok(troubled > 0 && troubled < hostileTargets.length);
    await page.close();
  });

  it('leads from evidence to the packet in its ladder, opened', async () => {
    const { page } = await openPage(examplePage);
    await page.evaluate(`for (const details of document.querySelectorAll('details')) details.open = false`);
    const link = page.locator('.finding .evidence a.pill').first();
    const target = (await link.getAttribute('href'))!;
    await link.click();
    await page.locator(target).waitFor({ state: 'visible' });
    assert.match((await page.locator(target).getAttribute('class'))!, /\bproves\b/);
    await page.close();
  });

  it('can be read whole without script', async () => {
    const { page, trouble } = await openPage(examplePage, { javaScriptEnabled: false });
    assert.match((await page.locator('h1').textContent())!, /Requests were sent into connections that the server was closing/);
    assert.equal(await page.locator('.filter').first().isVisible(), false, 'what needs script is not shown');
    assert.equal(await page.locator('button').count(), 0);
    assert.ok(await page.locator('.rung.proves .label').first().isVisible());
    assert.match((await page.locator('#ladder-0').textContent())!, /POST \/orders HTTP\/1\.1/);
    assert.deepEqual(trouble, []);
    await page.close();
  });

  it('is dark when the reader wants it, light on paper, with enough contrast for text', async () => {
    const grounds: string[] = [];
    for (const colorScheme of ['light', 'dark'] as const) {
      const { page } = await openPage(examplePage, { colorScheme });
      grounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
      assert.deepEqual(await page.evaluate(tooFaint), []);
      if (colorScheme === 'dark') {
        await page.emulateMedia({ media: 'print', colorScheme });
        assert.equal(await page.evaluate('getComputedStyle(document.body).backgroundColor'), 'rgb(255, 255, 255)');
      }
      await page.close();
    }
    assert.notEqual(grounds[0], grounds[1]);
  });

  it('names its parts for those who do not see it', async () => {
    const { page } = await openPage(examplePage);
    assert.equal(await page.locator('main').count(), 1);
    assert.equal(await page.locator('h1').count(), 1);
    assert.deepEqual(await page.evaluate(unnamed), []);
    await page.close();
  });

  it('draws pictures that are well-formed XML, of hostile captures too', async () => {
    const page = await browser.newPage();
    const examples = readdirSync('examples')
      .filter((name) => name.endsWith('.pcap'))
      .slice(0, 6);
    for (const file of [hostileFile, ...examples.map((name) => join('examples', name))]) {
      for (const choice of [[], ['--connection', '0']]) {
        const { out, code, errors } = holdfast(['explain', file, ...choice, '--svg', '-']);
        assert.equal(code, 0, errors);
        const found = await page.evaluate(
          `(() => { const picture = new DOMParser().parseFromString(${JSON.stringify(out)}, 'image/svg+xml');
            return [picture.documentElement.localName, picture.querySelectorAll('parsererror, script, img').length, picture.querySelectorAll('title').length > 0]; })()`,
        );
        assert.deepEqual(found, ['svg', 0, true], `${file} ${choice.join(' ')}`);
      }
    }
    await page.close();
  });
});

/** In the page: texts whose contrast with their background is under 4.5 (WCAG 2.2, 1.4.3). */
const tooFaint = `(() => {
  const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const luminance = ([red, green, blue]) => {
    const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  for (const element of document.querySelectorAll('main *, header *, footer *')) {
    if (element.closest('svg') !== null || ![...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '')) continue;
    const [a, b] = [luminance(channels(getComputedStyle(element).color)), luminance(groundOf(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.push(element.className + ' ' + element.textContent.slice(0, 30) + ' ' + contrast.toFixed(2));
  }
  return faint;
})()`;

/** In the page: tables without a name, pictures that are neither named nor hidden, controls without a label, heads without a scope. */
const unnamed = `[
  ...[...document.querySelectorAll('table')].filter((table) => table.caption === null && !table.hasAttribute('aria-labelledby')),
  ...[...document.querySelectorAll('svg')].filter((svg) => svg.parentElement.closest('svg') === null && svg.getAttribute('aria-hidden') !== 'true' && !(svg.getAttribute('role') === 'img' && svg.getAttribute('aria-label'))),
  ...[...document.querySelectorAll('input')].filter((input) => input.labels.length === 0),
  ...[...document.querySelectorAll('th')].filter((head) => !head.hasAttribute('scope')),
  ...[...document.querySelectorAll('section, article')].filter((part) => document.getElementById(part.getAttribute('aria-labelledby')) === null),
].map((element) => element.outerHTML.slice(0, 100))`;
