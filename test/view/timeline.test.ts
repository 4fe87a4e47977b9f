import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from 'holdfast/story';
import { type LifeRun, layOutLife, lifeOf } from 'holdfast/view';
import { at, buildConnection, buildExchange, buildExchanges, buildMark, ms, unanswered } from './build-connection.js';

const script = { unicode: true };

/** One character a column: the kind's first letter, or the text. */
const draw = (runs: readonly LifeRun[]): string =>
  runs
    .map(({ kind, columns, text }) =>
      text === '' ? (kind === 'opening' ? '|' : kind === 'ending' ? ']' : kind[0]!).repeat(columns) : text,
    )
    .join('');

const lay = (connection: Connection, columns = 60): string => draw(layOutLife(lifeOf(connection), columns, script));

test('a quick exchange is one column, a slow one grows with the logarithm of its time', () => {
  assert.equal(lay(buildConnection()), '|ag5.0sg]');
  const slow = buildConnection({ exchanges: [buildExchange(1, 1, 500)] });
  assert.equal(lay(slow), '|wwwaag5.0sg]');
});

test('a wait of a second and more carries its duration', () => {
  assert.equal(lay(buildConnection({ exchanges: [buildExchange(1, 1, 3000)] })), '|w2.7swaaag5.0sg]');
});

test('who got no answer waits until the end', () => {
  const exchanges = [buildExchange(1, 1, 5), buildExchange(2, 200, 0, unanswered)];
  const ending = { by: 'server', how: 'rst', why: 'request-unanswered', at: at(2200, 30), idleNs: ms(2000) } as const;
  assert.equal(lay(buildConnection({ exchanges, ending })), '|agggw2.0su]');
});

test('probes and repeats show where they were', () => {
  const marks = [
    buildMark('keep-alive-probe', 'client', 1500, 20),
    buildMark('keep-alive-probe', 'client', 2500, 21),
    buildMark('retransmission', 'client', 4000, 22),
    buildMark('zero-window', 'client', 5.8, 12),
  ];
  assert.equal(lay(buildConnection({ marks })), '|asg5.0spprg]');
});

test('a connection of another protocol has bytes, one without any has nothing but its end', () => {
  const ending = { by: 'client', how: 'fin', why: 'other-protocol-end', at: at(80), idleNs: ms(2) } as const;
  assert.equal(lay(buildConnection({ exchanges: [], ending })), '|bbg]');
});

test('forty exchanges fit anywhere: the middle is counted, the last ones and the longest gap stay', () => {
  const connection = buildConnection({ exchanges: buildExchanges(40) });
  const shown = lay(connection, 24);
  assert.match(shown, /^\|a(ga)*⋯\d+⋯(ga)+g5\.0s\]$/);
  const omitted = Number(/⋯(\d+)⋯/.exec(shown)?.[1]);
  assert.equal((shown.match(/a/g) ?? []).length + omitted, 40);
});

test('no picture is wider than it may be, whatever the life', () => {
  const lives = [
    buildConnection(),
    buildConnection({ exchanges: [] }),
    buildConnection({ exchanges: buildExchanges(2) }),
    buildConnection({ exchanges: buildExchanges(500) }),
    buildConnection({ exchanges: buildExchanges(100), exchangeCount: 1_000_000 }),
    buildConnection({ exchanges: [buildExchange(1, 1, 5e6), buildExchange(2, 6e6, 0, unanswered)] }),
    buildConnection({ exchanges: [buildExchange(1, 5, 1), buildExchange(2, 2, 1, { pipelined: true })] }),
  ];
  for (const connection of lives) {
    const life = lifeOf(connection);
    for (let columns = 8; columns < 120; columns++) {
      const runs = layOutLife(life, columns, script);
      const width = runs.reduce((sum, run) => sum + run.columns, 0);
      assert.ok(width <= columns && width > 0, `${draw(runs)} in ${columns}`);
      for (const run of runs) assert.ok(run.text === '' || run.text.length === run.columns);
    }
  }
});

test('a life keeps a bounded number of pieces and counts the rest', () => {
  const { head, tail, omitted } = lifeOf(buildConnection({ exchanges: buildExchanges(5000) }));
  assert.ok(head.length + tail.length <= 48);
  assert.equal(head.length + tail.length + omitted, 5000);
  const cut = lifeOf(buildConnection({ exchanges: buildExchanges(100), exchangeCount: 12_345 }));
  assert.equal(cut.tail.length, 0);
  assert.equal(cut.head.length + cut.omitted, 12_345);
});

test('pieces follow one another without a hole and without going back', () => {
  const { opening, head, tail, close } = lifeOf(buildConnection({ exchanges: buildExchanges(20) }));
  const pieces = [opening, ...head.flat(), ...tail.flat(), ...close];
  for (const [index, piece] of pieces.entries()) {
    assert.ok(piece.endNs >= piece.startNs);
    if (index > 0) assert.ok(piece.startNs >= pieces[index - 1]!.endNs);
  }
});
