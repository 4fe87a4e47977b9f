/**
 * The cases of other parsers' own tests, as they lie beside the repository: read here into one shape, with what each parser
 * expects brought down to what can be compared. Nothing of them is copied into this repository.
 */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bytesOf, type Kind, transcribe } from './transcript.js';

const folder = join(import.meta.dirname, '../../../../shared/http-cases');

export const casesAreThere = existsSync(folder);

/** `complete` and `partial` are about the head (of the last message, where there are several). */
type Verdict = 'complete' | 'partial' | 'error';

export interface HttpCase {
  /** `parser: name`, with a number where a parser has several cases of one name. */
  readonly id: string;
  readonly kind: Kind;
  /** The parser was asked to be lenient: compared with observing, else with strict. */
  readonly lenient: boolean;
  readonly input: string;
  readonly verdict: Verdict;
  /** Where the parser's tests tell: heads, bodies and ends, as `summary` gives them. */
  readonly messages: string | null;
}

const text = (base64: string): string => Buffer.from(base64, 'base64').toString('latin1');

function readLines<Line>(file: string): Line[] {
  return readFileSync(join(folder, file), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

/** Gives every case an id of its own. */
function numbered(cases: HttpCase[]): HttpCase[] {
  const counts = new Map<string, number>();
  return cases.map((it) => {
    const count = (counts.get(it.id) ?? 0) + 1;
    counts.set(it.id, count);
    return count === 1 ? it : { ...it, id: `${it.id} (${count})` };
  });
}

interface LlhttpLine {
  name: string;
  meta: { type: string };
  input_b64: string;
  expected: string[];
  outcome: 'ok' | 'error';
}

/** llhttp stops with these "errors" where it hands an upgraded or paused connection over. */
const handOver = /error code=(?:21|22|23) /;

export function llhttpCases(): HttpCase[] {
  return numbered(
    readLines<LlhttpLine>('llhttp/cases.jsonl').map(({ name, meta, input_b64, expected, outcome }) => {
      const refused = outcome === 'error' && !handOver.test(expected.join('\n'));
      const whole = expected.filter((event) => event.includes(' headers complete')).length;
      const begun = expected.filter((event) => event.includes(' message begin')).length;
      return {
        id: `llhttp: ${name}`,
        kind: meta.type.startsWith('request') ? 'request' : 'response',
        lenient: meta.type.includes('lenient'),
        input: text(input_b64),
        verdict: refused ? 'error' : whole < begun ? 'partial' : 'complete',
        messages: refused ? null : llhttpMessages(expected),
      };
    }),
  );
}

/** llhttp's log of spans as a summary. */
function llhttpMessages(events: readonly string[]): string {
  const parts: string[] = [];
  let line: string[] = [];
  let body = '';
  for (const event of events) {
    const span = /span\[(\w+)\]=(?:"(.*)"|cr|lf)$/s.exec(event);
    if (span !== null) {
      const bytes =
        span[2] === undefined ? (event.endsWith('cr') ? '\r' : '\n') : Buffer.from(span[2], 'utf8').toString('latin1');
      if (span[1] === 'method' || span[1] === 'url') line.push(bytes);
      else if (span[1] === 'body') body += bytes;
    }
    if (event.includes('message begin')) line = [];
    else if (event.includes('headers complete')) {
      const status = /status=(\d+)/.exec(event);
      parts.push(status === null ? line.join(' ') : status[1]!);
      body = '';
    } else if (event.includes('message complete')) {
      parts.push(`complete ${JSON.stringify(body)}`);
      body = '';
    }
  }
  if (body !== '') parts.push(`body ${JSON.stringify(body)}`);
  return parts.join(', ');
}

export function httparseCases(): HttpCase[] {
  return numbered(
    readLines<{ kind: string; name: string; input_b64: string; expected: string }>('httparse/cases.jsonl').map((line) => ({
      id: `httparse: ${line.name}`,
      kind: line.kind === 'req' ? 'request' : 'response',
      lenient: false,
      input: text(line.input_b64),
      verdict: line.expected.includes('Partial') ? 'partial' : line.expected.includes('Complete') ? 'complete' : 'error',
      messages: null,
    })),
  );
}

export function picohttpparserCases(): HttpCase[] {
  return numbered(
    readLines<{ kind: string; name: string; input_b64: string; expected: Verdict }>('picohttpparser/cases.jsonl').map((line) => ({
      id: `picohttpparser: ${line.kind.replace('test_', '')} ${line.name}`,
      kind: line.kind === 'test_response' ? 'response' : 'request',
      lenient: false,
      // Field lines alone, there; a start line makes them a head.
      input: line.kind === 'test_headers' ? `GET / HTTP/1.0\r\n${text(line.input_b64)}` : text(line.input_b64),
      verdict: line.expected,
      messages: null,
    })),
  );
}

export interface Conversation {
  readonly id: string;
  readonly segments: readonly { readonly from: 'client' | 'server'; readonly bytes: string }[];
}

export function libhtpConversations(): Conversation[] {
  return readLines<{ file: string; segments: { dir: string; data_b64: string }[] }>('libhtp/cases.jsonl').map((line) => ({
    id: line.file.replace('test/files/', ''),
    segments: line.segments.map(({ dir, data_b64 }) => ({ from: dir === 'c2s' ? 'client' : 'server', bytes: text(data_b64) })),
  }));
}

export function smugglerHeaders(): { id: string; header: string }[] {
  return ['te_default', 'te_doubles', 'te_exhaustive'].flatMap((file) =>
    readLines<{ name: string; te_header_b64: string }>(`smuggler/${file}.jsonl`).map((line) => ({
      id: `${file}: ${line.name}`,
      header: text(line.te_header_b64),
    })),
  );
}

export interface Reading {
  readonly verdict: Verdict;
  readonly problem: string | null;
  readonly messages: string;
  readonly lines: readonly string[];
}

/**
 * What we make of it. These parsers ask for no Host, and few of their cases have one: strict is first shown to refuse that,
 * then each head gets the Host that it lacks, so that the rest can be compared.
 */
export function readCase(it: HttpCase): Reading & { readonly lackedHost: boolean } {
  let { input } = it;
  let lackedHost = false;
  for (;;) {
    const options = { kind: it.kind, manner: it.lenient ? 'observing' : 'strict' } as const;
    const whole = transcribe([bytesOf(input)], options);
    const last = whole.lines.at(-1) ?? '';
    const headEnd = /^problem host-missing 400 @(\d+)$/.exec(last);
    if (headEnd === null || it.lenient) return { ...reading(whole.lines), lackedHost };
    const at = Number(headEnd[1]) - 2;
    input = `${input.slice(0, at)}Host: x\r\n${input.slice(at)}`;
    lackedHost = true;
  }
}

function reading(lines: readonly string[]): Reading {
  const problem = lines.find((line) => line.startsWith('problem '))?.split(' ')[1] ?? null;
  const parts: string[] = [];
  let body = '';
  let begun = 0;
  for (const line of lines) {
    if (line.startsWith('start')) begun++;
    const head = /^(\S+) (.*) \d+\.\d+$/.exec(line);
    if (head !== null && !line.startsWith(' ') && !line.startsWith('body ')) {
      parts.push(/^\d+$/.test(head[1]!) ? head[1]! : `${head[1]} ${head[2]}`);
      begun--;
      body = '';
    } else if (line.startsWith('body ')) body = line.slice(5);
    else if (line.startsWith('complete')) {
      parts.push(`complete ${JSON.stringify(body)}`);
      body = '';
    }
  }
  if (body !== '') parts.push(`body ${JSON.stringify(body)}`);
  const refused = lines.at(-1)?.startsWith('problem ') ?? false;
  return { verdict: refused ? 'error' : begun > 0 ? 'partial' : 'complete', problem, messages: parts.join(', '), lines };
}
