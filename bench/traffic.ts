/**
 * Makes the traffic of a whole capture: many conversations at once, interleaved in order of time, until the wanted number of
 * packets is written. The same options make the same capture, byte for byte.
 *
 * Synthesised, not recorded: a million packets of recorded traffic would not fit into a repository, and what is measured with
 * it (packets per second, memory) depends on sizes, interleaving and numbers of connections, which are set here:
 *
 * - `mixed`: half of the connections carry one exchange, half carry 2 to 12 with idle gaps (some with keep-alive probes); all
 *   four endings; bodies from nothing to 30 kB, a fifth of them chunked; some loss and reordering.
 * - `churn`: one small exchange a connection.   - `kept`: 20 to 60 exchanges a connection.
 * - `fat`: four connections at a time that carry bodies of many megabytes.
 */

import type { CaptureWriter } from './capture-writer.js';
import { type Addresses, Conversation, type Ending, type Plan, type Tally } from './conversation.js';
import { Random } from './random.js';

export const kinds = ['mixed', 'churn', 'kept', 'fat'] as const;
export type Kind = (typeof kinds)[number];

interface TrafficOptions {
  readonly kind: Kind;
  readonly packets: number;
  /** Conversations at any one time. */
  readonly concurrency: number;
  readonly seed: number;
}

interface Step {
  atUs: number;
  readonly conversation: Conversation;
  readonly life: Generator<number, void>;
}

/** Writes packets until there are `packets` (the step that reaches the number is finished) and says what was written. */
export function makeTraffic(writer: CaptureWriter, { kind, packets, concurrency, seed }: TrafficOptions): Tally {
  const random = new Random(seed);
  const tally: Tally = { connections: 0, requests: 0, responses: 0, fins: 0, resets: 0, keepAliveProbes: 0 };
  const queue: Step[] = [];
  let number = 0;
  const open = (atUs: number): void => {
    const conversation = new Conversation(writer, random, planOf(kind, random), tally, addressesOf(number, random));
    number += 1;
    push(queue, { atUs, conversation, life: conversation.life() });
  };
  const startUs = 1_748_858_400e6;
  for (let i = 0; i < concurrency; i += 1) open(startUs + random.between(0, 2_000_000));
  while (writer.packets < packets) {
    const step = queue[0]!;
    step.conversation.atUs = step.atUs;
    const { done, value } = step.life.next();
    if (done) {
      const { atUs } = pop(queue);
      open(atUs + random.between(100, 20_000));
    } else {
      step.atUs += value;
      sink(queue, 0);
    }
  }
  return tally;
}

function planOf(kind: Kind, random: Random): Plan {
  const roundTripUs = random.between(200, 40_000);
  const usual = { roundTripUs, segmentGapUs: 12, repeatChance: 0.002, swapChance: 0.002 };
  switch (kind) {
    case 'churn':
      return { ...usual, exchanges: 1, ending: random.pick(['client-fin', 'server-fin']), bodyBytes: [0, 1000] };
    case 'kept':
      return { ...usual, exchanges: random.between(20, 60), ending: anyEnding(random), bodyBytes: [0, 4000] };
    case 'fat':
      return { ...usual, exchanges: 4, ending: 'client-fin', bodyBytes: [4e6, 120e6], segmentGapUs: 12 };
    case 'mixed': {
      const exchanges = random.chance(0.5) ? 1 : random.between(2, 12);
      return {
        ...usual,
        exchanges,
        ending: anyEnding(random),
        bodyBytes: random.pick([
          [0, 300],
          [200, 4000],
          [200, 4000],
          [4000, 30_000],
        ]),
      };
    }
  }
}

function anyEnding(random: Random): Ending {
  const kind = random.fraction();
  if (kind < 0.01) return 'server-reset';
  if (kind < 0.03) return 'stale-reuse';
  return kind < 0.6 ? 'client-fin' : 'server-fin';
}

/** Each conversation has an address and port pair of its own: 16 servers, clients in 10.0.0.0/8. */
function addressesOf(number: number, random: Random): Addresses {
  return {
    clientAddress: 0x0a000000 + (Math.floor(number / 28_000) & 0xffff) * 256 + 1 + (number % 200),
    clientPort: 32_768 + (number % 28_000),
    serverAddress: 0xc6336400 + 10 + random.between(0, 15),
    serverPort: random.pick([80, 80, 8080]),
  };
}

// A binary heap, earliest step first.

function push(heap: Step[], step: Step): void {
  heap.push(step);
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (heap[parent]!.atUs <= step.atUs) return;
    heap[at] = heap[parent]!;
    heap[parent] = step;
    at = parent;
  }
}

function pop(heap: Step[]): Step {
  const first = heap[0]!;
  const last = heap.pop()!;
  if (heap.length > 0) {
    heap[0] = last;
    sink(heap, 0);
  }
  return first;
}

function sink(heap: Step[], from: number): void {
  const step = heap[from]!;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && heap[child + 1]!.atUs < heap[child]!.atUs) child += 1;
    if (heap[child]!.atUs >= step.atUs) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = step;
}
