/**
 * Files of one folder, as a server gives them: found, judged, and described for whoever sends them (site-send.ts).
 *
 * Rules
 * - Nothing outside the folder is ever opened: the path is made from decoded segments, and what it leads to (links followed) must lie
 *   in the folder. Names that begin with a dot are not there unless asked for. Only regular files and folders are.
 * - Conditions are judged as RFC 9110 §13.2.2 orders them: If-Match, If-Unmodified-Since, then If-None-Match and If-Modified-Since
 *   (the package fresh), then If-Range and Range (range-parser). Several ranges are answered with the whole, as §14.2 allows.
 * - The entity tag is strong and made of time and size, as nginx does it; a coded representation has a weak one.
 */
import { realpath, stat } from 'node:fs/promises';
import { join, posix, sep } from 'node:path';
import fresh from 'fresh';
import { lookup } from 'mrmime';
import Negotiator from 'negotiator';
import parseRange from 'range-parser';
import type { ServerRequest } from '../engine/index.js';

/** Smaller bodies are not worth compressing. */
const leastCodedByteCount = 1024;

const worthCoding = /^(?:text\/|application\/(?:json|javascript|xml|wasm|manifest\+json|[\w.-]+\+(?:json|xml))|image\/svg\+xml)/;

type Coding = 'br' | 'gzip' | 'identity';

export type Found =
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly byteCount: number;
      readonly modifiedAt: Date;
      readonly modifiedMs: number;
    }
  | { readonly kind: 'folder'; readonly path: string; readonly target: string; readonly endsWithSlash: boolean }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'malformed' };

export type FoundFile = Extract<Found, { kind: 'file' }>;

export interface FolderOptions {
  /** Absolute, links resolved. */
  readonly root: string;
  readonly dotFiles: boolean;
}

/** Looks for what a request target names. `target`: origin form, without its query. */
export async function findFile(target: string, { root, dotFiles }: FolderOptions): Promise<Found> {
  const segments = segmentsOf(target);
  if (segments === null) return { kind: 'malformed' };
  if (!dotFiles && segments.some((segment) => segment.startsWith('.'))) return { kind: 'nothing' };
  try {
    const path = await realpath(join(root, ...segments));
    if (path !== root && !path.startsWith(root.endsWith(sep) ? root : root + sep)) return { kind: 'nothing' };
    const facts = await stat(path);
    const endsWithSlash = target.endsWith('/');
    if (facts.isDirectory()) return { kind: 'folder', path, target: targetOf(segments), endsWithSlash };
    if (!facts.isFile() || endsWithSlash) return { kind: 'nothing' };
    return { kind: 'file', path, byteCount: facts.size, modifiedAt: facts.mtime, modifiedMs: facts.mtimeMs };
  } catch {
    // Not there, not readable, a loop of links, a name too long: for a client all the same.
    return { kind: 'nothing' };
  }
}

/** The decoded segments of a path, without `.` and `..`; null for what no path can be. */
function segmentsOf(target: string): string[] | null {
  let path: string;
  try {
    path = decodeURIComponent(target);
  } catch {
    return null;
  }
  if (!path.startsWith('/') || path.includes('\0')) return null;
  // Normalised from the root on, `..` cannot climb above it.
  const segments = posix
    .normalize(path)
    .split('/')
    .filter((segment) => segment !== '');
  return segments.some((segment) => segment === '..' || (sep !== '/' && segment.includes(sep))) ? null : segments;
}

/** The target of a folder, with its slash; always one slash first, so that it never names another host. */
const targetOf = (segments: readonly string[]): string =>
  segments.length === 0 ? '/' : `/${segments.map(encodeURIComponent).join('/')}/`;

/** How a file is to be answered. */
export interface FileAnswer {
  readonly status: 200 | 206 | 304 | 412 | 416;
  readonly fields: readonly (readonly [string, string])[];
  /** What of the file is sent, in bytes; an empty range for answers without content. */
  readonly start: number;
  readonly end: number;
  readonly coding: Coding;
}

/** Judges conditions, range and coding of a request for a file. */
export function answerFile(request: ServerRequest, file: FoundFile, compress: boolean): FileAnswer {
  const type = typeOf(file.path);
  const range = request.header('range');
  const mayCode = compress && range === null && worthCoding.test(type) && file.byteCount >= leastCodedByteCount;
  const coding = mayCode ? codingOf(request) : 'identity';
  const strongTag = `"${Math.floor(file.modifiedMs).toString(16)}-${file.byteCount.toString(16)}"`;
  const tag = coding === 'identity' ? strongTag : `W/${strongTag}`;
  const modified = file.modifiedAt.toUTCString();
  const fields: [string, string][] = [
    ['ETag', tag],
    ['Last-Modified', modified],
  ];
  if (mayCode) fields.push(['Vary', 'Accept-Encoding']);
  const nothing = { start: 0, end: 0, coding: 'identity' } as const;
  if (failsPrecondition(request, strongTag, modified)) return { status: 412, fields, ...nothing };
  if (isFresh(request, tag, modified)) return { status: 304, fields, ...nothing };

  fields.push(['Accept-Ranges', 'bytes'], ['Content-Type', type], ['X-Content-Type-Options', 'nosniff']);
  if (range !== null && rangeApplies(request, strongTag, modified)) {
    const ranges = parseRange(file.byteCount, range, { combine: true });
    if (ranges === -1) {
      return { status: 416, fields: [['Content-Range', `bytes */${file.byteCount}`]], ...nothing };
    }
    if (ranges !== -2 && ranges.type === 'bytes' && ranges.length === 1) {
      const { start, end } = ranges[0]!;
      fields.push(['Content-Range', `bytes ${start}-${end}/${file.byteCount}`]);
      return { status: 206, fields, start, end: end + 1, coding };
    }
  }
  if (coding !== 'identity') fields.push(['Content-Encoding', coding]);
  return { status: 200, fields, start: 0, end: file.byteCount, coding };
}

function typeOf(path: string): string {
  const type = lookup(path) ?? 'application/octet-stream';
  return /^text\/|javascript$/.test(type) ? `${type}; charset=utf-8` : type;
}

function codingOf(request: ServerRequest): Coding {
  const accepted = request.header('accept-encoding');
  if (accepted === null) return 'identity';
  const best = new Negotiator({ headers: { 'accept-encoding': accepted } }).encodings(['br', 'gzip', 'identity']);
  return (best[0] as Coding | undefined) ?? 'identity';
}

function failsPrecondition(request: ServerRequest, tag: string, modified: string): boolean {
  const match = request.header('if-match');
  if (match !== null) return match !== '*' && !match.split(',').some((each) => each.trim() === tag);
  const since = request.header('if-unmodified-since');
  return since !== null && Date.parse(modified) > Date.parse(since);
}

function isFresh(request: ServerRequest, tag: string, modified: string): boolean {
  const asked: Record<string, string> = {};
  for (const name of ['if-none-match', 'if-modified-since', 'cache-control']) {
    const value = request.header(name);
    if (value !== null) asked[name] = value;
  }
  return fresh(asked, { etag: tag, 'last-modified': modified });
}

/** If-Range (RFC 9110 §13.1.5): a strong tag or the very date, else the whole. */
function rangeApplies(request: ServerRequest, tag: string, modified: string): boolean {
  if (request.method !== 'GET') return false;
  const condition = request.header('if-range');
  return condition === null || condition === tag || condition === modified;
}
