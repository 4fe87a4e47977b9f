/**
 * Sends bad input to our server and to others, side by side, and writes what each answered as a table.
 *
 *     npm run conformance [-- FILE]        writes docs/conformance.md, or FILE; - for standard output
 *
 * A cell is what came: the status, or `200` and what the server took the request for, and whether it closed. Our column must hold the answer that
 * the row expects, or the run fails.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { badInputs } from './peers/bad-inputs.js';
import { type Reading, readingOf } from './peers/reading.js';
import { startPeers } from './peers/start.js';

const quietMs = 250;

function cell(reading: Reading): string {
  const statuses = reading.responses.map((response) => String(response.status)).join(', ');
  const state = { closed: 'closes', between: 'keeps', within: 'waits' }[reading.state];
  return `${statuses === '' ? 'no answer' : statuses}, ${state}`;
}

async function main(): Promise<void> {
  const target = process.argv[2] ?? 'docs/conformance.md';
  const { peers, missing, stop } = await startPeers(['holdfast', 'node:http', 'Go', 'nginx', 'Apache']);
  const lines = [
    '# Bad input, side by side',
    '',
    'Written by `npm run conformance`; do not edit. Each row is sent as it stands, on a connection of its own. A cell is the statuses that came, and',
    'what became of the connection: *closes*, *keeps* (the next request is answered), *waits* (the server takes more bytes for a part of the message).',
    '',
    `| input | expected | ${peers.map((peer) => peer.title).join(' | ')} |`,
    `|---|---|${peers.map(() => '---').join('|')}|`,
  ];
  const wrong: string[] = [];
  try {
    for (const input of badInputs) {
      const cells = await Promise.all(peers.map(async (peer) => cell(await readingOf(peer.port, input.bytes, { quietMs }))));
      lines.push(`| ${input.name} | ${input.expected} | ${cells.join(' | ')} |`);
      if (cells[0] !== input.expected) wrong.push(`${input.name}: ${cells[0]} in place of ${input.expected}`);
    }
  } finally {
    await stop();
  }
  if (missing.length > 0) lines.push('', `Not installed where this was written: ${missing.join(', ')}.`);
  const text = `${lines.join('\n')}\n`;
  if (target === '-') process.stdout.write(text);
  else {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    console.error(`${badInputs.length} inputs, ${peers.length} servers: ${target}`);
  }
  for (const line of wrong) console.error(`NOT AS EXPECTED: ${line}`);
  if (wrong.length > 0) process.exitCode = 1;
}

await main();
