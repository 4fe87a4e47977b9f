/** The Chromium of the machine, for tests that look at pages; without one they are skipped, and say so. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const options =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync';

const executablePath = ['chromium', 'chromium-browser', 'google-chrome']
  .flatMap((name) => (process.env.PATH ?? '').split(':').map((folder) => join(folder, name)))
  .find((path) => existsSync(path));

/** For `describe` and `test`: why to skip, or false. */
export const withoutChromium = executablePath === undefined ? 'Chromium is not installed' : false;

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: executablePath!, args: options.split(' ') });
