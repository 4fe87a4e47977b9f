/** One case of reading, fed whole, byte by byte, in two halves at every place, and with the bytes of a next message behind it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOf, type ReadOptions, transcribe } from './transcript.js';

export interface Case extends ReadOptions {
  readonly input: string;
  readonly gives: readonly string[];
  /** Default true: behind the input, a next message is read as such (or, strict and refused or done, not at all). */
  readonly next?: boolean;
}

const nextMessages = {
  request: {
    input: 'GET /next HTTP/1.1\r\nHost: next\r\n\r\n',
    gives: ['GET /next 1.1', '  Host: next', '  none, persists (http-1.1-default)', 'complete 0'],
  },
  response: {
    input: 'HTTP/1.1 222 Next\r\nContent-Length: 0\r\n\r\n',
    gives: ['222 Next 1.1', '  Content-Length: 0', '  length 0, persists (http-1.1-default)', 'complete 0'],
  },
};

export function check(name: string, { input, gives, next = true, ...options }: Case): void {
  test(name, () => {
    const bytes = bytesOf(input);
    const whole = transcribe([bytes], options);
    assert.deepEqual(whole.lines, gives);
    const cuts = [
      Array.from(bytes, (byte) => Uint8Array.of(byte)),
      ...Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)]),
    ];
    for (const pieces of cuts) {
      const cut = transcribe(pieces, options);
      // How much of a refused stream was taken says nothing: a problem may lie before bytes taken long ago.
      if (cut.state === 'failed') cut.taken = whole.taken;
      assert.deepEqual(cut, whole, `cut after ${pieces.length > 2 ? 'each byte' : pieces[0]?.length}`);
    }
    assert.deepEqual(whole.broken, []);
    if (options.end !== undefined || !next) return;
    const more = nextMessages[options.kind];
    const followed = transcribe([bytesOf(input + more.input)], options);
    const isOver = ['failed', 'done', 'tunnel', 'paused'].includes(whole.state);
    const then = [`start ${input.length}`, ...more.gives];
    assert.deepEqual(followed.lines, isOver ? gives : [...gives, ...then], 'with a next message');
    if (whole.state === 'done' || whole.state === 'tunnel') assert.equal(followed.taken, whole.taken);
  });
}
