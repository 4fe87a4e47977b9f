import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { captureOf, conversation, holdfast, temporaryFile } from './run-command.js';

const capture = captureOf(
  conversation({ clientPort: 40_001, target: '/ok' }),
  conversation({ clientPort: 40_003, target: '/lost', ending: 'reset', startSeconds: 2, serverPort: 9090 }),
);
const file = temporaryFile('pictures.pcap', capture);
const folder = dirname(file);

test('--html writes a page with the ladders of the connections of interest, and prints the summary all the same', () => {
  const path = join(folder, 'report.html');
  const { code, out, errors } = holdfast(['explain', file, '--html', path]);
  assert.equal(code, 0);
  assert.equal(out, holdfast(['explain', file]).out);
  assert.match(errors, /report\.html written, [\d.]+ kB\n$/);
  const page = readFileSync(path, 'utf8');
  assert.match(page, /^<!doctype html>\n/);
  for (const id of [0, 1]) assert.ok(page.includes(`<details class="ladder" id="ladder-${id}"`));
  assert.ok(page.includes('GET /lost HTTP/1.1') && page.includes('SYN, ACK'), 'with ordinary packets');
});

test('standard input and compressed input give the same page, and leave nothing behind', () => {
  const temporary = join(folder, 'temporary');
  mkdirSync(temporary);
  const environment = { TMPDIR: temporary };
  const fromFile = holdfast(['explain', file, '--html', '-']).out;
  const named = fromFile.replaceAll(file, 'standard input');
  assert.equal(holdfast(['explain', '-', '--html', '-'], { input: capture, environment }).out, named);
  assert.equal(holdfast(['explain', '-', '--html', '-'], { input: gzipSync(capture), environment }).out, named);
  assert.deepEqual(readdirSync(temporary), []);
});

test('a full disk is said', { skip: !existsSync('/dev/full') && 'there is no /dev/full' }, () => {
  const { code, errors } = holdfast(['explain', '-', '--html', '/dev/full'], { input: capture });
  assert.equal(code, 2);
  assert.match(errors, /cannot write \/dev\/full: the disk is full/);
});

test('--svg writes the timeline, or the ladder of one connection', () => {
  const timeline = holdfast(['explain', file, '--svg', '-']).out;
  assert.match(timeline, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*<\/svg>\n$/);
  assert.ok(timeline.includes('10.0.0.1:40001') && timeline.includes('10.0.0.1:40003'));
  const ladder = holdfast(['explain', file, '--connection', '1', '--svg', '-']).out;
  assert.ok(ladder.includes('GET /lost HTTP/1.1') && !ladder.includes('40001'));
});

test('a filter chooses what the page and the picture show', () => {
  const page = holdfast(['explain', file, '--port', '9090', '--html', '-']).out;
  assert.ok(page.includes('id="connection-1"') && !page.includes('id="connection-0"'));
  assert.ok(page.includes('port 9090'), 'and the page says so');
});

test('what cannot be written is told before anything is read', () => {
  const { code, out, errors } = holdfast(['explain', file, '--html', join(folder, 'none', 'report.html')]);
  assert.deepEqual([code, out], [2, '']);
  assert.match(errors, /^holdfast: cannot write .*report\.html: there is no such folder\n$/);
});

test('one capture, and one thing on standard output', () => {
  for (const parameters of [
    [file, file, file, '--html', 'x.html'],
    [file, file, '--svg', 'x.svg'],
    [file, '--html', '-', '--json'],
    [file, '--html', '-', '--svg', '-'],
  ]) {
    const { code, out, errors } = holdfast(['explain', ...parameters]);
    assert.deepEqual([code, out], [2, ''], parameters.join(' '));
    assert.match(errors, /^holdfast: /);
  }
});
