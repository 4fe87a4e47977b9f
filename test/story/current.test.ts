/** An open connection as it stands now: its ending as it would be decided, its newest exchanges, and a story that is not disturbed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { observeCapture } from 'holdfast/packets';
import { type Connection, exchangeNumbered, newestExchange, Story, storyLimits } from 'holdfast/story';
import { conversation } from '../cli/run-command.js';
import { pcap } from '../packets/build-captures.js';

interface Watched {
  readonly story: Story;
  readonly ended: Connection[];
  readonly capture: ReturnType<typeof observeCapture>;
}

/** `null`: nothing is pushed yet. */
function watched(packets: ReturnType<typeof conversation> | null, live = true): Watched {
  const ended: Connection[] = [];
  const story = new Story({ live, onConnection: (connection) => ended.push(connection) });
  const capture = observeCapture({ live: true, lingerNs: 1e9, observe: story.observe });
  if (packets !== null) capture.push(pcap(packets));
  return { story, ended, capture };
}

/** Handshake, request and response; nobody has closed. */
const open = conversation().slice(0, 6);

test('an open connection has been silent up to now', () => {
  const { story } = watched(open);
  const now = story.current(0, 9e9)!;
  assert.equal(now.ending.how, 'open');
  assert.equal(now.ending.at.atNs, 9e9);
  assert.ok(now.ending.idleNs! > 8e9 && now.ending.idleNs! < 9e9);
  const later = story.current(0, 20e9)!;
  assert.equal(later.ending.idleNs! - now.ending.idleNs!, 11e9);
  assert.equal(story.current(7, 0), null);
});

test('a connection that was looked at has the same story in the end', () => {
  const packets = conversation();
  const looked = watched(null);
  const bytes = pcap(packets);
  for (let at = 0; at < bytes.length; at += 50) {
    looked.capture.push(bytes.subarray(at, at + 50));
    looked.story.current(0, 1e9);
  }
  looked.capture.end();
  looked.story.end();
  const unseen = watched(packets);
  unseen.capture.end();
  unseen.story.end();
  assert.deepEqual(looked.ended, unseen.ended);
  assert.equal(looked.ended.length, 1);
});

test('an ended connection is told when its time has passed, without a further packet', () => {
  const { ended, capture } = watched(conversation());
  assert.equal(ended.length, 0);
  const lastNs = capture.summary().lastAtNs!;
  capture.passTime(lastNs + 0.5e9);
  assert.equal(ended.length, 0);
  capture.passTime(lastNs + 1.5e9);
  assert.equal(ended.length, 1);
  assert.equal(ended[0]!.ending.why, 'idle');
});

test('a live story keeps the ladder of a connection, another one does not', () => {
  assert.ok(
    watched(open)
      .story.current(0, 1e9)!
      .marks.some(({ kind }) => kind === 'request'),
  );
  assert.ok(
    !watched(open, false)
      .story.current(0, 1e9)!
      .marks.some(({ kind }) => kind === 'request'),
  );
});

test('beyond the first exchanges the newest are kept, with their numbers', () => {
  const ended: Connection[] = [];
  const story = new Story({ live: true, onConnection: (connection) => ended.push(connection) });
  const from = { atNs: 0, packet: 1, connection: 0 } as const;
  story.observe({
    kind: 'opened',
    ...from,
    client: { address: '10.0.0.1', port: 40_000 },
    server: { address: '10.0.0.2', port: 80 },
    evidence: 'syn',
  });
  const text = (side: 'client' | 'server', words: string, packet: number): void => {
    const data = Buffer.from(words, 'latin1');
    story.observe({
      kind: 'bytes',
      connection: 0,
      atNs: packet * 1e6,
      packet,
      from: side,
      data,
      start: 0,
      end: data.length,
      pushed: true,
    } as Parameters<typeof story.observe>[0]);
  };
  const count = storyLimits.exchangesPerConnection + 3 * storyLimits.newestExchanges + 5;
  for (let number = 1; number <= count; number++) {
    text('client', `GET /${number} HTTP/1.1\r\nHost: a\r\n\r\n`, 2 * number);
    text('server', 'HTTP/1.1 204 No Content\r\n\r\n', 2 * number + 1);
  }
  const now = story.current(0, 1e12)!;
  assert.equal(now.exchangeCount, count);
  assert.equal(now.exchanges.length, storyLimits.exchangesPerConnection);
  assert.ok(now.newest.length <= 2 * storyLimits.newestExchanges);
  assert.equal(newestExchange(now)!.target, `/${count}`);
  assert.equal(exchangeNumbered(now, 5)!.target, '/5');
  assert.equal(exchangeNumbered(now, count - 20)!.target, `/${count - 20}`);
  assert.equal(exchangeNumbered(now, storyLimits.exchangesPerConnection + 1), undefined);
  assert.ok(now.marks.length <= storyLimits.marksOfLive);
});
