/**
 * The cases of other parsers' tests, sent to a real server: it executes exactly the requests that the strict reader finds whole, answers
 * them in order, and says the reader's status to what is wrong.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { type Server, serve } from 'holdfast';

import {
  casesAreThere,
  httparseCases,
  libhtpConversations,
  llhttpCases,
  picohttpparserCases,
  smugglerHeaders,
} from '../wire/http-cases.js';
import { bytesOf, transcribe } from '../wire/transcript.js';
import { RawClient } from './raw-client.js';

const options = { skip: casesAreThere ? false : '../shared/http-cases is not there' };
const executed: string[] = [];
let server: Server;

before(async () => {
  const methods = [
    'M-SEARCH',
    'NOTIFY',
    'SUBSCRIBE',
    'UNSUBSCRIBE',
    'PURGE',
    'SOURCE',
    'DESCRIBE',
    'ANNOUNCE',
    'SETUP',
    'PLAY',
    'PAUSE',
  ];
  const { settingsOf } = await import('#dist/engine/server-options.js');
  const known = [...settingsOf({}).knownMethods, ...methods];
  server = await serve(
    { knownMethods: known, allowedMethods: known.filter((method) => method !== 'CONNECT') },
    async (request, response) => {
      await request.bytes();
      executed.push(`${request.method} ${request.target}`);
      response.end();
    },
  );
});

after(() => server?.stop({ idleGraceMs: 0, graceMs: 500 }));

interface Expected {
  readonly executed: string[];
  readonly statuses: number[];
}

/** What a server must do with these bytes and a FIN behind them, by the strict reader. */
function expectedOf(input: string): Expected {
  const { lines } = transcribe([bytesOf(input)], { kind: 'request', manner: 'strict', end: 'orderly' });
  const expected: Expected = { executed: [], statuses: [] };
  let head = '';
  for (const line of lines) {
    const start = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) (\S+) 1\.\d$/.exec(line);
    if (start !== null) head = `${start[1]} ${start[2]}`;
    if (line.startsWith('complete ')) {
      const method = head.split(' ')[0]!;
      const isAllowed = server.settings.allowedMethods.includes(method);
      if (isAllowed) expected.executed.push(head);
      expected.statuses.push(isAllowed ? 200 : server.settings.knownMethods.includes(method) ? 405 : 501);
      if (!isAllowed) return expected;
    }
    const problem = /^problem \S+ (\d{3}) /.exec(line);
    if (problem !== null) {
      const within =
        head !== '' && !expected.executed.includes(head) && !server.settings.allowedMethods.includes(head.split(' ')[0]!);
      expected.statuses.push(within ? 501 : Number(problem[1]));
    }
  }
  return expected;
}

async function check(id: string, input: string): Promise<void> {
  const expected = expectedOf(input);
  executed.length = 0;
  const client = await RawClient.open(server.port);
  client.send(input).finish();
  await client.untilEnd();
  client.destroy();
  const statuses = client.statuses.filter((status) => status >= 200);
  assert.deepEqual(
    { statuses, executed },
    { statuses: expected.statuses, executed: expected.executed },
    `${id}: ${JSON.stringify(input)}`,
  );
}

test('requests of llhttp, httparse and picohttpparser', options, async () => {
  const cases = [...llhttpCases(), ...httparseCases(), ...picohttpparserCases()].filter((it) => it.kind === 'request');
  assert.ok(cases.length > 150);
  for (const it of cases) await check(it.id, it.input);
});

test('the client’s side of the conversations of libhtp', options, async () => {
  for (const { id, segments } of libhtpConversations()) {
    await check(
      id,
      segments
        .filter(({ from }) => from === 'client')
        .map(({ bytes }) => bytes)
        .join(''),
    );
  }
});

test('Transfer-Encoding in nine hundred disguises', options, async () => {
  for (const { id, header } of smugglerHeaders()) {
    for (const length of ['', 'Content-Length: 5\r\n']) {
      await check(
        id,
        `POST / HTTP/1.1\r\nHost: h\r\n${length}${header}\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n`,
      );
    }
  }
});
