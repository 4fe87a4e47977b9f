/** The sockets of a host as they are drawn, from tables made by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { reportSockets } from 'holdfast/capture';
import { plainPalette, renderSockets, socketsHeadline, type TerminalStyle } from 'holdfast/view';
import { listener, many, measures, socket, tableOf } from '../capture/build-sockets.js';

const style = (width: number, unicode = true): TerminalStyle => ({ width, unicode, palette: plainPalette, times: 'relative' });
const shown = { sockets: 5, peers: 3, listeners: 2, findings: 4, linesPerFinding: null };

const busy = reportSockets(
  tableOf(
    [
      listener('*:8080', 600, 511),
      listener('[2001:db8:0:1:2:3:4:5]:443'),
      listener('127.0.0.1:9000'),
      ...many(12, 'ESTABLISHED', '10.0.0.5:5432', {
        measures: measures({ rttMs: 12.3, sinceSentMs: 9000, sinceReceivedMs: 9000 }),
      }),
      ...many(700, 'TIME_WAIT', '10.0.0.5:5432', {}, 45_000),
      ...many(
        4,
        'CLOSE_WAIT',
        '2001:db8:0:1:2:3:4:5:443',
        { measures: measures({ sinceAckMs: 90_000 }), receiveQueueBytes: 400 },
        50_000,
      ),
      socket('ESTABLISHED', '10.0.0.1:8080', '192.168.100.200:51234', {
        sendQueueBytes: 70_000,
        timer: { kind: 'retransmit', expiresMs: 12_000, attempts: 5 },
      }),
    ],
    { missing: ['the processes of 3 sockets are not known: they belong to processes of other users: root sees them (sudo)'] },
  ),
);

test('the headline counts by state', () => {
  assert.equal(socketsHeadline(busy), '717 sockets to 3 peers: 700 TIME_WAIT, 13 ESTABLISHED, 4 CLOSE_WAIT; 3 listeners.');
  assert.equal(socketsHeadline(reportSockets(tableOf([]))), 'No sockets.');
  assert.equal(socketsHeadline(reportSockets(tableOf([listener('*:80')]))), 'No connections; 1 listener.');
});

test('no line is wider than asked, at any width', () => {
  for (let width = 60; width <= 200; width += 5)
    for (const line of renderSockets(busy, shown, style(width))) assert.ok(line.length <= width, `${width}: ${line}`);
});

test('what has most to tell comes first', () => {
  const lines = renderSockets(busy, shown, style(140));
  const text = lines.join('\n');
  assert.match(lines[1]!, /^ {2}Bad /);
  const at = lines.findIndex((line) => line.startsWith('state'));
  assert.match(lines[at + 1]!, /^ESTABLISHED .*resend 12s ×5/);
  assert.match(lines[at + 2]!, /^CLOSE_WAIT .*90s/);
  assert.match(text, /\nto 10\.0\.0\.5:5432 +12 +12 +700 .*27,520 /);
  assert.match(text, /\n\*:8080 +600 +511 /);
  assert.match(text, /and 1 listener more \(--all\)/);
  assert.match(text, /and 712 sockets more \(--all\)/);
  assert.match(text, /\n {2}Unsure +the processes of 3 sockets are not known/);
});

test('on a small screen a finding has two lines, and its fix one', () => {
  const lines = renderSockets(busy, { ...shown, linesPerFinding: 2 }, style(80));
  const findings = lines.slice(1, lines.indexOf(''));
  assert.ok(findings.filter((line) => /^ {2}(Bad|Warning|Seen|Change) /.test(line)).length >= 5);
  assert.ok(!findings.some((line) => line.includes('other setting')));
  assert.ok(findings.length <= 4 * 3 + 1 + 3, findings.join('\n'));
});

test('the name of a process acts on no terminal', () => {
  const hostile = [{ pid: 1, name: '\x1b[2J\x9bm\u202eevil' }];
  const report = reportSockets(
    tableOf([
      ...many(60, 'CLOSE_WAIT', '10.0.0.5:80', { owners: hostile, measures: measures({ sinceAckMs: 90_000 }) }),
      { ...listener('*:80'), owners: hostile },
    ]),
  );
  const acts = (sign: string): boolean => sign < ' ' || (sign >= '\x7f' && sign <= '\x9f') || sign === '\u202e';
  for (const width of [80, 140])
    for (const line of renderSockets(report, shown, style(width))) assert.ok(![...line].some(acts), JSON.stringify(line));
});

test('ASCII where the terminal has nothing else', () => {
  assert.match(renderSockets(busy, shown, style(80, false)).join('\n'), /^[\n -~]*$/);
});
