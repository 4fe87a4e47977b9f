/**
 * What a link does to packets, as people ask for it and as the link's thread reads it: numbers in shared memory, so that a change
 * holds from the next packet on, without a message.
 *
 * Every value may be given for both directions at once, and for each apart (`toServer`, `toClient`), which wins.
 */
import { CaptureError } from './capture-error.js';

/** What happens to packets of one direction. Rates of chance are from 0 to 1, per packet and independent of each other. */
export interface LinkWay {
  /** Milliseconds from sent to delivered, at the least. */
  readonly delayMs: number;
  /** Each packet's delay differs by up to so much, more or less, evenly spread. Order is kept. */
  readonly jitterMs: number;
  readonly lossRate: number;
  /** Packets that are held back by `reorderByMs` while later ones pass. */
  readonly reorderRate: number;
  readonly reorderByMs: number;
  readonly duplicateRate: number;
  /** Packets of which one bit is flipped, so that the receiver's kernel drops them by their checksum. */
  readonly corruptRate: number;
  /** Bits of IP packets a second; Infinity: as fast as the machine is. */
  readonly rateBitsPerSecond: number;
  /** Bytes that wait for the rate at the most; a packet for which there is no room is dropped. */
  readonly queueBytes: number;
  /** Everything is lost, as with a pulled cable. */
  readonly cut: boolean;
}

/** A box on the way that keeps track of TCP connections (a firewall, a NAT, a load balancer) and forgets those that are idle. */
export interface LinkMiddlebox {
  /** A connection without packets for so long is forgotten. */
  readonly forgetAfterMs: number;
  /** What it does with packets of a connection that it has forgotten: drops them, or answers the sender with a RST. */
  readonly how: 'silent' | 'reset';
}

/** Everything that can be changed while the link is up. */
export interface LinkSettings extends Partial<LinkWay> {
  /** Half of it each way. */
  readonly roundTripMs?: number;
  readonly toServer?: Partial<LinkWay>;
  readonly toClient?: Partial<LinkWay>;
  /** Null: no such box. */
  readonly middlebox?: LinkMiddlebox | null;
}

/** A direction's place in all that is kept by direction. */
export const toServer = 0;
export const toClient = 1;
export type LinkDirection = typeof toServer | typeof toClient;

const perfectWay: LinkWay = {
  delayMs: 0,
  jitterMs: 0,
  lossRate: 0,
  reorderRate: 0,
  reorderByMs: 5,
  duplicateRate: 0,
  corruptRate: 0,
  rateBitsPerSecond: Number.POSITIVE_INFINITY,
  queueBytes: 128 * 1024,
  cut: false,
};

/** Largest values that are taken; beyond them it is a mistake of units. */
const linkSettingLimits = { delayMs: 600_000, rateBitsPerSecond: 1e12, queueBytes: 64 * 1024 * 1024 } as const;

const chances = ['lossRate', 'reorderRate', 'duplicateRate', 'corruptRate'] as const;
const durations = ['delayMs', 'jitterMs', 'reorderByMs'] as const;
const wayNames = Object.keys(perfectWay) as (keyof LinkWay)[];

/** Place of each number in shared memory. */
export const wayPlace = Object.fromEntries(wayNames.map((name, place) => [name, place])) as Record<keyof LinkWay, number>;
export const wayLength = wayNames.length;
export const forgetAfterPlace = 2 * wayLength;
export const forgetWithResetPlace = forgetAfterPlace + 1;
/** Goes up by one when the middlebox is to forget every connection now. */
export const forgetNowPlace = forgetAfterPlace + 2;
const settingsLength = forgetAfterPlace + 3;

export const newSettings = (): Float64Array<SharedArrayBuffer> => {
  const shared = new Float64Array(new SharedArrayBuffer(settingsLength * 8));
  for (const direction of [toServer, toClient] as const) writeWay(shared, direction, perfectWay);
  shared[forgetAfterPlace] = Number.POSITIVE_INFINITY;
  return shared;
};

/** Puts what is given into shared memory and leaves the rest. Throws CaptureError `bad-request` on a value that makes no sense. */
export function applySettings(shared: Float64Array, settings: LinkSettings): void {
  const { roundTripMs, toServer: there = {}, toClient: back = {}, middlebox, ...both } = settings;
  const half = roundTripMs === undefined ? {} : { delayMs: roundTripMs / 2 };
  const ways = [
    { ...half, ...both, ...there },
    { ...half, ...both, ...back },
  ] as const;
  for (const way of ways) checkWay(way);
  if (middlebox && !(middlebox.forgetAfterMs > 0))
    throw new CaptureError('bad-request', 'a middlebox forgets after more than 0 ms');
  writeWay(shared, toServer, ways[0]);
  writeWay(shared, toClient, ways[1]);
  if (middlebox === undefined) return;
  shared[forgetAfterPlace] = middlebox?.forgetAfterMs ?? Number.POSITIVE_INFINITY;
  shared[forgetWithResetPlace] = middlebox?.how === 'reset' ? 1 : 0;
}

function writeWay(shared: Float64Array, direction: LinkDirection, way: Partial<LinkWay>): void {
  for (const name of wayNames) {
    const value = way[name];
    if (value !== undefined) shared[direction * wayLength + wayPlace[name]] = Number(value);
  }
}

function checkWay(way: Partial<LinkWay>): void {
  const check = (name: keyof LinkWay, least: number, most: number): void => {
    const value = way[name];
    if (value === undefined || ((value as number) >= least && (value as number) <= most)) return;
    throw new CaptureError('bad-request', `${name} of a link is from ${least} to ${most}, not ${value}`);
  };
  for (const name of chances) check(name, 0, 1);
  for (const name of durations) check(name, 0, linkSettingLimits.delayMs);
  check('queueBytes', 1500, linkSettingLimits.queueBytes);
  if (way.rateBitsPerSecond !== Number.POSITIVE_INFINITY) check('rateBitsPerSecond', 1, linkSettingLimits.rateBitsPerSecond);
}
