/** The server for people: what it gives, what it never gives, and what each of its paths does to a connection. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type AccessEntry, Client, type ClientResponse, HoldfastError, type Server } from 'holdfast';
import { openSite } from 'holdfast/lab';

let outside: string;
let server: Server;
let client: Client;
const entries: AccessEntry[] = [];
const text = 'line of text\n'.repeat(400);

before(async () => {
  outside = mkdtempSync(join(tmpdir(), 'holdfast-site-'));
  const folder = join(outside, 'public');
  mkdirSync(join(folder, 'sub'), { recursive: true });
  mkdirSync(join(outside, 'public-not'));
  writeFileSync(join(folder, 'a.txt'), text);
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'ümlaut <b>.html'), '<p>');
  writeFileSync(join(folder, '.secret'), 'secret');
  writeFileSync(join(folder, 'sub', 'big.bin'), Buffer.alloc(300_000, 7));
  writeFileSync(join(outside, 'secret'), 'secret');
  writeFileSync(join(outside, 'public-not', 'secret'), 'secret');
  symlinkSync(join(outside, 'secret'), join(folder, 'link'));
  symlinkSync(outside, join(folder, 'up'));
  server = await openSite({ port: 0, folder, onAccess: (entry) => void entries.push(entry) });
  client = new Client();
});

after(async () => {
  await client.close();
  await server.stop({ idleGraceMs: 0 });
  rmSync(outside, { recursive: true, force: true });
});

const ask = (target: string, fields: Record<string, string> = {}, method = 'GET', body?: string): Promise<ClientResponse> =>
  client.request({ url: server.url, target, method, fields, ...(body !== undefined && { body }) });

async function answer(target: string, fields?: Record<string, string>, method?: string, body?: string) {
  const response = await ask(target, fields, method, body);
  return { status: response.status, fields: response.fields, body: Buffer.from(await response.body.bytes()), response };
}

test('a file comes whole, with type, length and tags', async () => {
  const { status, fields, body } = await answer('/a.txt');
  assert.equal(status, 200);
  assert.equal(body.toString(), text);
  assert.equal(fields.get('content-type'), 'text/plain; charset=utf-8');
  assert.equal(fields.get('content-length'), String(text.length));
  assert.match(fields.get('etag')!, /^"[0-9a-f]+-[0-9a-f]+"$/);
  assert.equal((await answer('/sub/big.bin')).body.length, 300_000);
  const empty = await answer('/empty');
  assert.deepEqual([empty.status, empty.body.length, empty.fields.get('content-length')], [200, 0, '0']);
  const head = await answer('/a.txt', {}, 'HEAD');
  assert.deepEqual([head.status, head.body.length, head.fields.get('content-length')], [200, 0, String(text.length)]);
});

test('ranges', async () => {
  for (const [range, status, expected, length] of [
    ['bytes=0-3', 206, `bytes 0-3/${text.length}`, 4],
    ['bytes=-5', 206, `bytes ${text.length - 5}-${text.length - 1}/${text.length}`, 5],
    ['bytes=5195-', 206, `bytes 5195-5199/${text.length}`, 5],
    ['bytes=9000-', 416, `bytes */${text.length}`, 0],
    ['bytes=0-1,9-10', 200, null, text.length],
    ['lines=0-1', 200, null, text.length],
    ['nonsense', 200, null, text.length],
  ] as const) {
    const { status: got, fields, body } = await answer('/a.txt', { Range: range });
    assert.deepEqual([range, got, fields.get('content-range'), body.length], [range, status, expected, length]);
  }
  const tag = (await answer('/a.txt')).fields.get('etag')!;
  assert.equal((await answer('/a.txt', { Range: 'bytes=0-3', 'If-Range': tag })).status, 206);
  assert.equal((await answer('/a.txt', { Range: 'bytes=0-3', 'If-Range': '"another"' })).status, 200);
});

test('conditions', async () => {
  const { fields } = await answer('/a.txt');
  const [tag, modified] = [fields.get('etag')!, fields.get('last-modified')!];
  const early = new Date(0).toUTCString();
  for (const [asked, status] of [
    [{ 'If-None-Match': tag }, 304],
    [{ 'If-None-Match': `"x", W/${tag}` }, 304],
    [{ 'If-None-Match': '"x"' }, 200],
    [{ 'If-Modified-Since': modified }, 304],
    [{ 'If-Modified-Since': early }, 200],
    [{ 'If-None-Match': '"x"', 'If-Modified-Since': modified }, 200],
    [{ 'If-Match': '"x"' }, 412],
    [{ 'If-Match': tag }, 200],
    [{ 'If-Unmodified-Since': early }, 412],
  ] as [Record<string, string>, number][]) {
    assert.equal((await answer('/a.txt', asked)).status, status, JSON.stringify(asked));
  }
});

test('text is compressed for whoever accepts it, with a tag of its own', async () => {
  const { fields, body } = await answer('/a.txt', { 'Accept-Encoding': 'gzip' });
  assert.equal(fields.get('content-encoding'), 'gzip');
  assert.equal(fields.get('vary'), 'Accept-Encoding');
  assert.match(fields.get('etag')!, /^W\//);
  assert.equal(gunzipSync(body).toString(), text);
  assert.equal((await answer('/a.txt', { 'Accept-Encoding': 'gzip;q=0' })).fields.get('content-encoding'), null);
  assert.equal((await answer('/sub/big.bin', { 'Accept-Encoding': 'gzip' })).fields.get('content-encoding'), null);
  assert.equal((await answer('/a.txt', { 'Accept-Encoding': 'br', Range: 'bytes=0-1' })).fields.get('content-encoding'), null);
});

test('nothing outside the folder, by no spelling', async () => {
  for (const target of [
    '/../secret',
    '/sub/../../secret',
    '/..%2fsecret',
    '/%2e%2e/secret',
    '/%2e%2e%2fsecret',
    '/..%5csecret',
    '/sub/..%2f..%2f..%2f..%2fetc/passwd',
    '//etc/passwd',
    '/..%2fpublic-not/secret',
    '/../public-not/secret',
    '/link',
    '/up/secret',
    '/up/',
    '/.secret',
    '/a.txt/',
    '/a.txt%00',
    '/%c0%ae%c0%ae/secret',
    '/%',
  ]) {
    const { status, body } = await answer(target);
    assert.ok(status === 404 || status === 400, `${target}: ${status}`);
    assert.doesNotMatch(body.toString(), /^secret|root:/, target);
  }
});

test('a folder is listed, with names that are only text', async () => {
  const { status, body } = await answer('/');
  assert.equal(status, 200);
  assert.match(body.toString(), /ümlaut &lt;b&gt;\.html/);
  assert.match(body.toString(), /href="\.\/%C3%BCmlaut%20%3Cb%3E\.html"/);
  assert.doesNotMatch(body.toString(), /\.secret/);
  assert.equal((await answer('/%C3%BCmlaut%20%3Cb%3E.html')).body.toString(), '<p>');
  const moved = await answer('/sub');
  assert.deepEqual([moved.status, moved.fields.get('location')], [301, '/sub/']);
  assert.equal((await answer('//sub')).fields.get('location'), '/sub/');
  assert.match((await answer('/routes')).body.toString(), /\/half-close/);
});

test('methods and parameters that cannot be', async () => {
  const refused = await answer('/a.txt', {}, 'POST', 'x');
  assert.deepEqual([refused.status, refused.fields.get('allow')], [405, 'GET, HEAD']);
  assert.equal((await answer('/reset', {}, 'POST', 'x')).status, 405);
  for (const target of ['/wait?ms=x', '/wait?ms=-1', '/status/99', '/status/600', '/half-close?ms=x', '/reset?after=1e9']) {
    assert.equal((await answer(target)).status, 400, target);
  }
});

test('paths that keep the connection', async () => {
  assert.equal((await answer('/wait?ms=5')).body.toString(), 'waited 5 ms\n');
  assert.equal((await answer('/status/404')).status, 404);
  assert.equal((await answer('/bytes?count=200000')).body.length, 200_000);
  const chunked = await answer('/chunked?pieces=3&ms=1');
  assert.equal(chunked.fields.get('transfer-encoding'), 'chunked');
  assert.equal(chunked.body.toString(), 'piece 1 of 3\npiece 2 of 3\npiece 3 of 3\n');
  assert.deepEqual(chunked.response.body.trailers, [['Pieces', '3']]);
  assert.equal((await answer('/stream?count=2&ms=1')).body.toString().match(/^id: \d$/gm)?.length, 2);
  const uploaded = JSON.parse((await answer('/upload', {}, 'POST', 'abc')).body.toString());
  assert.equal(uploaded.bytes, 3);
  assert.equal(uploaded.sha256, 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  const [first, second] = [await answer('/connection'), await answer('/connection')].map(({ body }) =>
    JSON.parse(body.toString()),
  );
  assert.equal(second.connection, first.connection);
  assert.equal(second.request, first.request + 1);
});

test('paths that end the connection, each in its way, and the log has them', async () => {
  const failing = async (target: string): Promise<string> => {
    try {
      await answer(target);
      return 'answered';
    } catch (error) {
      assert.ok(error instanceof HoldfastError);
      return error.code;
    }
  };
  const closed = await answer('/close');
  assert.equal(closed.fields.get('connection'), 'close');
  const unending = await answer('/no-length');
  assert.deepEqual([unending.fields.get('content-length'), unending.fields.get('transfer-encoding')], [null, null]);
  assert.equal(unending.body.toString(), 'this ends where the connection ends\n');
  assert.equal(await failing('/reset'), 'reset-before-response');
  assert.equal(await failing('/reset?after=10'), 'response-reset');
  assert.equal(await failing('/cut'), 'response-cut');
  const half = await answer('/half-close');
  assert.equal(half.fields.get('connection'), 'keep-alive');
  assert.equal(half.body.toString(), 'half closed\n');
  const next = JSON.parse((await answer('/connection')).body.toString());
  assert.notEqual(next.connection, half.response.connection.number);
  const logged = (target: string): AccessEntry | undefined =>
    entries.find((entry) => entry.target === target && entry.method === 'GET');
  assert.equal(logged('/reset')?.status, 0);
  assert.equal(logged('/no-length')?.status, 200);
  assert.ok((logged('/half-close')?.connectionNumber ?? 0) > 0);
});

test('without a folder the index is at the root, and without routes there is nothing else', async () => {
  const bare = await openSite({ port: 0 });
  const files = await openSite({ port: 0, folder: outside, routes: false });
  const one = new Client({ keepAlive: false });
  const statusOf = async (url: string): Promise<number> => {
    const response = await one.request({ url });
    await response.body.dump();
    return response.status;
  };
  assert.equal(await statusOf(`${bare.url}/`), 200);
  assert.equal(await statusOf(`${bare.url}/a.txt`), 404);
  assert.equal(await statusOf(`${files.url}/wait`), 404);
  assert.equal(await statusOf(`${files.url}/secret`), 200);
  await one.close();
  await Promise.all([bare.stop({ idleGraceMs: 0 }), files.stop({ idleGraceMs: 0 })]);
});
