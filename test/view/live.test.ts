/** The live screen fits every terminal, whatever is on it, and says what a connection is doing now. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clockOf,
  type Diagnosed,
  EndsInCommon,
  type LiveScreen,
  layOutLive,
  liveRow,
  plainPalette,
  renderLiveScreen,
  type TerminalStyle,
} from 'holdfast/view';
import { liveSeverity, liveWords } from '#dist/view/live-row.js';
import { clipPainted, justify, paintedWidth } from '#dist/view/terminal/clip-painted.js';
import { at, buildConnection, buildExchange, buildExchanges, ms } from './build-connection.js';

const bright = (text: string): string => `\x1b[31m${text}\x1b[39m`;
const palette = Object.fromEntries(
  Object.keys(plainPalette).map((name) => [name, bright]),
) as unknown as TerminalStyle['palette'];
const styleOf = (width: number, unicode = true): TerminalStyle => ({ width, unicode, palette, times: 'relative' });
const clock = clockOf({ originSeconds: 1_700_000_000, timeDecimals: 6, firstAtNs: 0, lastAtNs: 60e9 });

const open = (nowMs: number) =>
  ({ by: 'none', how: 'open', why: 'still-open', at: at(nowMs, 9), idleNs: ms(nowMs - 6) }) as const;
const waitingExchange = buildExchange(1, 1, 5, {
  status: null,
  firstByte: null,
  responseHeadEnd: null,
  responseEnd: null,
  complete: false,
});

const connections = {
  ended: buildConnection({ id: 1 }),
  idle: buildConnection({ id: 2, closed: null, ending: open(4000) }),
  waiting: buildConnection({ id: 3, closed: null, ending: open(4000), exchanges: [waitingExchange] }),
  many: buildConnection({ id: 123_456, closed: null, ending: open(9e6), exchanges: buildExchanges(300) }),
};
const rows = Object.values(connections).map((connection) => liveRow(connection, connection.ending.at.atNs));

function screenOf(columns: number, over: Partial<LiveScreen> = {}): LiveScreen {
  const common = new EndsInCommon();
  for (const row of rows) common.add(row);
  const finding = {
    rule: 'stale-reuse',
    level: 'bad',
    confidence: 'high',
    owner: 'server',
    title: 'Requests were sent into closing connections',
    detail: `a target: ${'\x1b]0;owned\x07'} ${'long '.repeat(60)}`,
    count: 3,
  } as unknown as Diagnosed['findings'][number];
  const diagnosed = {
    verdict: { headline: 'Requests were lost', level: 'bad' },
    findings: Array.from({ length: 20 }, () => finding),
    inferences: [],
  } as unknown as Diagnosed;
  return {
    title: 'eth0, AF_PACKET ring, port 8080',
    state: 'live',
    elapsed: '1:23',
    counts: {
      open: 3,
      ended: 1,
      requests: 400,
      responses: 399,
      requestsPerSecond: 12,
      packetsPerSecond: 1234.5,
      resets: 2,
      retransmissions: 1,
      keepAliveProbes: 4,
    },
    diagnosed,
    clock,
    source: { name: 'eth0', packets: 12_345, seenShare: 0.61, lost: 1000 },
    body: {
      kind: 'list',
      rows,
      selected: 1,
      layout: layOutLive(columns, 8, 5, common.value),
      common: common.value,
      commonWords: common.words,
      order: 'newest first',
      empty: 'No connections so far.',
    },
    message: null,
    prompt: null,
    ...over,
  };
}

test('a screen has exactly the lines of the terminal, and none is wider', () => {
  const page = { kind: 'page', title: '#1', lines: Array.from({ length: 99 }, () => 'x'.repeat(300)), from: 3 } as const;
  const prompt = { question: 'filter: ', text: 'y'.repeat(200) };
  for (const columns of [1, 2, 5, 10, 23, 24, 40, 44, 55, 56, 60, 71, 72, 80, 100, 140, 300]) {
    for (const height of [1, 2, 3, 4, 5, 7, 8, 12, 20, 24, 40, 50, 120]) {
      for (const unicode of [true, false]) {
        for (const over of [{}, { body: page }, { prompt }, { message: { text: 'z'.repeat(400), level: 'bad' } as const }]) {
          const lines = renderLiveScreen(screenOf(columns, over), height, styleOf(columns, unicode));
          assert.equal(lines.length, height, `${columns}x${height}`);
          for (const line of lines) assert.ok(paintedWidth(line) <= columns, `${columns}x${height}: ${JSON.stringify(line)}`);
        }
      }
    }
  }
});

test('nothing of the wire acts on the terminal', () => {
  const hostile = screenOf(140, { title: 'x' });
  for (const line of renderLiveScreen(hostile, 50, styleOf(140))) {
    // Apart from colours, which paintedWidth does not count.
    const coloured = line.replaceAll('\x1b[31m', '').replaceAll('\x1b[39m', '').replaceAll('\x1b[0m', '');
    assert.doesNotMatch(coloured, /\p{Cc}/u);
  }
});

test('the last line says how much was seen', () => {
  const style = { ...styleOf(120), palette: plainPalette };
  assert.match(renderLiveScreen(screenOf(120), 24, style).at(-1)!, /sampling: 61 % of packets seen.*12,345 packets.*1,000 lost/);
  const all = { name: 'eth0', packets: 5, seenShare: null, lost: 0 };
  assert.doesNotMatch(renderLiveScreen(screenOf(120, { source: all }), 24, style).at(-1)!, /sampling|lost/);
});

test('a row says what the connection does now', () => {
  const [ended, idle, waiting] = rows;
  const script = { unicode: true };
  assert.equal(liveWords(ended!, script), 'server FIN, idle 5.00 s');
  assert.equal(liveWords(idle!, script), 'idle 3.9s');
  assert.match(liveWords(waiting!, script), /^waiting 3\.\ds$/);
  assert.equal(liveSeverity(waiting!), 'notable');
  assert.ok(!waiting!.life.head.flat().some(({ kind }) => kind === 'unanswered'), 'it is not given up yet');
});

test('a half-closed connection is told as such', () => {
  const at5 = at(5000, 9);
  const { closing } = connections.idle;
  const row = (nowMs: number) =>
    liveRow(
      buildConnection({
        closed: null,
        ending: { by: 'server', how: 'fin', why: 'idle', at: at5, idleNs: ms(4000) },
        closing: { ...closing, first: { from: 'server', how: 'fin', at: at5, unacknowledgedBytes: 0, hadHead: false } },
      }),
      ms(nowMs),
    );
  assert.match(liveWords(row(5100), { unicode: true }), /^server FIN/);
  assert.equal(liveWords(row(17_000), { unicode: true }), 'half-closed by the server 12s');
  assert.equal(liveWords(row(17_000), { unicode: true }, { terse: true }), 'half-closed 12s');
});

test('the newest exchanges are in the picture, also behind those that were not kept', () => {
  const all = buildExchanges(1000);
  const { life } = liveRow(
    buildConnection({
      exchanges: all.slice(0, 100),
      newest: all.slice(960),
      exchangeCount: 1000,
      closed: null,
      ending: open(9e6),
    }),
    ms(9e6),
  );
  assert.equal(life.tail.at(-1)!.at(-1)!.exchange, 1000);
  assert.equal(life.head.length + life.omitted + life.tail.length, 1000);
});

test('painted lines are cut by what is seen', () => {
  assert.equal(clipPainted('plain', 3), 'pla');
  assert.equal(clipPainted(bright('abc'), 3), bright('abc'));
  assert.equal(clipPainted(`${bright('ab')}${bright('cd')}`, 3).replaceAll('\x1b', ''), '[31mab[39m[31mc[0m');
  assert.equal(paintedWidth(clipPainted(bright('abc'), 0)), 0);
  assert.equal(justify('a', 'b', 5), 'a   b');
  assert.equal(justify('abcd', 'b', 5), 'abcd');
});

test('what connections have in common only becomes less', () => {
  const common = new EndsInCommon();
  const ends = (client: string, server: string, port: number) => ({
    client: { address: client, port: 5 },
    server: { address: server, port },
  });
  assert.equal(common.words, '');
  common.add(ends('10.0.0.1', '10.0.0.2', 80));
  assert.equal(common.words, 'from 10.0.0.1 to 10.0.0.2:80');
  common.add(ends('10.0.0.1', '10.0.0.3', 80));
  assert.equal(common.words, 'from 10.0.0.1 to port 80');
  common.add(ends('10.0.0.9', '10.0.0.2', 81));
  common.add(ends('10.0.0.9', '10.0.0.2', 81));
  assert.equal(common.words, '');
});
