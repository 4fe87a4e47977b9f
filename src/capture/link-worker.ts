/**
 * The link's thread: reads each packet that is sent into the TUN device, decides its fate, holds it, swaps its addresses and writes
 * it back. It waits in the kernel and nowhere else, so that neither the main thread's work nor an event loop disturbs the time.
 *
 * The main thread changes settings in shared memory, and says the rest by messages, which are looked for when `messagesSent` has
 * changed. The thread never sleeps longer than `longestWaitNs`: it cannot be woken, and must notice when it is to end.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { nsPerMs } from '../base/index.js';
import { CaptureError } from './capture-error.js';
import { countPlace, countsLength, type LinkCount } from './link-counts.js';
import { type LinkDevice, openLinkDevice } from './link-device.js';
import { LinkFlows } from './link-flows.js';
import { type HeldPacket, HeldPackets } from './link-held.js';
import type { LinkToMain, LinkToWorker, LinkWorkerData } from './link-messages.js';
import { headerLength, isIpv4, resetAgainst, swapAddresses } from './link-packet.js';
import { LinkRecording, pieceWaitNs } from './link-recording.js';
import {
  forgetAfterPlace,
  forgetNowPlace,
  forgetWithResetPlace,
  type LinkDirection,
  toClient,
  toServer,
  wayLength,
  wayPlace,
} from './link-settings.js';
import { fates, LinkFate } from './link-way.js';

const longestWaitNs = 20e6;
/** Packets read before those that are due are delivered. */
const readsInARow = 64;
/** Packets and bytes under way; beyond it packets are dropped as by a full queue. */
const heldLimits = { packets: 200_000, bytes: 256 * 1024 * 1024 } as const;

const { settings, counts, messagesSent, seed, device: deviceName, address } = workerData as LinkWorkerData;
const port = parentPort as MessagePort;

const originSeconds = Math.floor(performance.timeOrigin / 1000);
const originOffsetMs = performance.timeOrigin - originSeconds * 1000;
/** Nanoseconds since `originSeconds`. */
const nowNs = (): number => (originOffsetMs + performance.now()) * 1e6;

const flows = new LinkFlows();
const held = new HeldPackets();
const ways = [new LinkFate(settings, toServer, seed), new LinkFate(settings, toClient, seed)] as const;
const recordings = new Map<number, LinkRecording>();
/** The same, to be gone through without an allocation. */
let recordingList: LinkRecording[] = [];
/** Of the packet at hand. */
const forgetting = { afterNs: Number.POSITIVE_INFINITY, epoch: 0 };
let seenMessages = 0;
let running = true;

const tell = (message: LinkToMain, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

const count = (direction: LinkDirection, name: LinkCount, by = 1): void => {
  counts[direction * countsLength + countPlace[name]]! += by;
};

const opposite = (direction: LinkDirection): LinkDirection => (direction === toServer ? toClient : toServer);
const senderOf = (direction: LinkDirection): 'client' | 'server' => (direction === toServer ? 'client' : 'server');

function run(): void {
  let device: LinkDevice;
  try {
    device = openLinkDevice(deviceName, address);
  } catch (error) {
    tell(failure(error));
    return;
  }
  tell({ kind: 'up' });
  try {
    while (running) turn(device);
    for (const id of [...recordings.keys()]) endRecording(id);
    tell({ kind: 'closed' });
  } catch (error) {
    tell(failure(error));
  } finally {
    device.close();
  }
}

function failure(error: unknown): LinkToMain {
  const { code, wayOut } = error instanceof CaptureError ? error : { code: 'failed' as const, wayOut: null };
  return { kind: 'failed', code, wayOut, message: error instanceof Error ? error.message : String(error) };
}

function turn(device: LinkDevice): void {
  device.wait(Math.max(0, Math.min(longestWaitNs, nextNs() - nowNs())));
  if (Atomics.load(messagesSent, 0) !== seenMessages) takeMessages();
  for (let reads = 0; reads < readsInARow; reads++) {
    const length = device.read();
    if (length === 0) break;
    accept(device.buffer, length);
  }
  while (held.nextDueNs <= nowNs()) deliver(device, held.take()!);
  for (const recording of recordingList) {
    if (recording.waitingSinceNs + pieceWaitNs <= nowNs()) recording.flush();
  }
}

function nextNs(): number {
  let next = held.nextDueNs;
  for (const { waitingSinceNs } of recordingList) next = Math.min(next, waitingSinceNs + pieceWaitNs);
  return next;
}

/** Takes what was sent. IPv6, which the kernel tries on every interface, is none of the link's. */
function accept(buffer: Buffer, length: number): void {
  const packet = buffer.subarray(0, length);
  if (!isIpv4(packet)) return;
  const now = nowNs();
  forgetting.afterNs = settings[forgetAfterPlace]! * nsPerMs;
  forgetting.epoch = settings[forgetNowPlace]!;
  const direction = flows.direction(packet, now, forgetting);
  count(direction, 'packets');
  count(direction, 'bytes', length);
  const way = ways[direction];
  const dueNs = way.decide(length, now);
  const dropped = whyDropped(dueNs);
  if (recordingList.length > 0) {
    record(
      { bytes: packet, length, direction, end: senderOf(direction), comment: dropped === null ? null : dropTexts[dropped] },
      now,
    );
  }
  if (dropped !== null) {
    count(direction, dropped);
    if (dropped === 'forgotten' && settings[forgetWithResetPlace] === 1) forge(resetAgainst(packet), opposite(direction), now);
    return;
  }
  if (way.reordered) count(direction, 'reordered');
  if (way.corrupted) corrupt(packet, direction);
  swapAddresses(packet);
  held.add(packet, dueNs, direction);
  if (!way.duplicated) return;
  count(direction, 'duplicated');
  held.add(packet, dueNs, direction);
}

const dropTexts = {
  lost: 'lost on the link',
  queueFull: 'dropped: no room in the queue',
  cut: 'dropped: the link is cut',
  forgotten: 'dropped: the middlebox has forgotten this connection',
} as const;

function whyDropped(dueNs: number): keyof typeof dropTexts | null {
  if (dueNs === fates.cut) return 'cut';
  if (dueNs === fates.lost) return 'lost';
  if (flows.forgotten) return 'forgotten';
  const full = held.size >= heldLimits.packets || held.byteCount >= heldLimits.bytes;
  return dueNs === fates.queueFull || full ? 'queueFull' : null;
}

/** The middlebox stands in the middle: its reset takes half the way there and half the way back. */
function forge(reset: Buffer, direction: LinkDirection, now: number): void {
  const delayMs = settings[direction * wayLength + wayPlace.delayMs]!;
  count(direction, 'forgedResets');
  held.add(reset, now + delayMs * nsPerMs, direction);
}

/** Flips one bit behind the IP header, always the same one of a packet of this length. */
function corrupt(packet: Uint8Array, direction: LinkDirection): void {
  count(direction, 'corrupted');
  const start = headerLength(packet);
  const place = start + ((packet.length - start) >> 1);
  if (place < packet.length) packet[place]! ^= 0x10;
}

function deliver(device: LinkDevice, packet: HeldPacket): void {
  const { bytes, length, direction } = packet;
  const taken = device.write(bytes, length);
  count(direction, taken ? 'delivered' : 'refused');
  if (taken) {
    count(direction, 'deliveredBytes', length);
    if (recordingList.length > 0) {
      record({ bytes, length, direction, end: direction === toServer ? 'server' : 'client', comment: null }, nowNs());
    }
  }
  held.release(packet);
}

interface Seen {
  readonly bytes: Buffer;
  readonly length: number;
  readonly direction: LinkDirection;
  readonly end: 'client' | 'server';
  readonly comment: string | null;
}

/** Tells the recordings of one end, with the client's and the server's addresses whichever end it is. */
function record({ bytes, length, direction, end, comment }: Seen, atNs: number): void {
  for (const recording of recordingList) {
    if (recording.end !== end) continue;
    const sent = end === senderOf(direction);
    // A packet is sent from the client's address, and delivered to it; so every second case has to be swapped.
    const swap = (direction === toServer) !== sent;
    recording.add({ bytes, length, swap, originSeconds, atNs, sent, comment });
  }
}

function takeMessages(): void {
  seenMessages = Atomics.load(messagesSent, 0);
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
    const message = next.message as LinkToWorker;
    if (message.kind === 'close') running = false;
    else if (message.kind === 'end-recording') endRecording(message.id);
    else {
      const { id, end, counts } = message;
      recordings.set(id, new LinkRecording(end, counts, (piece) => tell({ kind: 'piece', id, piece }, [piece.buffer])));
      recordingList = [...recordings.values()];
    }
  }
}

function endRecording(id: number): void {
  recordings.get(id)?.flush();
  recordings.delete(id);
  recordingList = [...recordings.values()];
  tell({ kind: 'recorded', id });
}

run();
