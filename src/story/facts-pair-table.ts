/**
 * Which pairs of a client address and a server are known: each has a slot, a small number, under which everything about it is kept.
 *
 * A hash table in arrays of numbers, and for each server a list of its slots in order of first use. With each connection another pair
 * is wanted, and what is spread over the memory (maps, entries, keys, an object a pair) has to be fetched piece by piece: these arrays
 * are small enough to stay near the processor.
 *
 * When all slots are taken, the one that is given away is the first that was not used since the hand of the clock last passed over it:
 * nearly the one used longest ago.
 */
import { assert } from '../base/index.js';

/** What the table keeps at a server: the table's own. */
export interface PairedServer {
  /** Tells it from other servers of the table. */
  readonly number: number;
  /** The slots of its pairs used first and last; −1 without any. */
  firstPair: number;
  lastPair: number;
}

const none = -1;

export class PairTable<Server extends PairedServer> {
  /** Of servers that have no pair any more, too, until the slot is given away. */
  readonly servers: Server[] = [];
  readonly addresses: string[] = [];
  private readonly limit: number;
  private readonly retire: (slot: number) => void;
  /** By hash, and by slot: the next slot of the same hash. One more than the slot, 0 for none. */
  private readonly heads: Int32Array;
  private readonly chained: Int32Array;
  private readonly hashes: Int32Array;
  private readonly used: Uint8Array;
  /** By slot: its neighbours in the list of its server. */
  private readonly before: Int32Array;
  private readonly behind: Int32Array;
  private readonly free: number[] = [];
  private hand = 0;

  /** `retire` is told of a slot that will be given to another pair, while all about it is still there. */
  constructor(limit: number, retire: (slot: number) => void) {
    this.limit = limit;
    this.retire = retire;
    this.heads = new Int32Array(2 ** Math.ceil(Math.log2(2 * limit)));
    this.chained = new Int32Array(limit);
    this.hashes = new Int32Array(limit);
    this.used = new Uint8Array(limit);
    this.before = new Int32Array(limit);
    this.behind = new Int32Array(limit);
  }

  /** The slot of this pair, which counts as use; −1 when it is not known. */
  find(server: Server, address: string): number {
    const hash = hashOf(server, address);
    for (let one = this.heads[this.placeOf(hash)]!; one !== 0; one = this.chained[one - 1]!) {
      const slot = one - 1;
      if (this.hashes[slot] !== hash || this.servers[slot] !== server || this.addresses[slot] !== address) continue;
      this.used[slot] = 1;
      return slot;
    }
    return none;
  }

  /** A slot for a pair that is not known yet. */
  add(server: Server, address: string): number {
    const slot = this.free.pop() ?? (this.servers.length < this.limit ? this.servers.length : this.takeOut());
    const hash = hashOf(server, address);
    const place = this.placeOf(hash);
    this.servers[slot] = server;
    this.addresses[slot] = address;
    this.hashes[slot] = hash;
    this.used[slot] = 1;
    this.chained[slot] = this.heads[place]!;
    this.heads[place] = slot + 1;
    this.before[slot] = server.lastPair;
    this.behind[slot] = none;
    if (server.lastPair === none) server.firstPair = slot;
    else this.behind[server.lastPair] = slot;
    server.lastPair = slot;
    return slot;
  }

  /** In order of first use. */
  slotsOf(server: Server): number[] {
    const slots: number[] = [];
    for (let slot = server.firstPair; slot !== none; slot = this.behind[slot]!) slots.push(slot);
    return slots;
  }

  /** Forgets all pairs of a server; `retire` is not told. */
  forget(server: Server): void {
    for (const slot of this.slotsOf(server)) {
      this.unlink(slot);
      this.free.push(slot);
    }
  }

  private takeOut(): number {
    for (;;) {
      const slot = this.hand;
      this.hand = slot + 1 === this.limit ? 0 : slot + 1;
      if (this.used[slot] === 1) {
        this.used[slot] = 0;
        continue;
      }
      this.retire(slot);
      this.unlink(slot);
      return slot;
    }
  }

  private unlink(slot: number): void {
    const server = this.servers[slot]!;
    const before = this.before[slot]!;
    const behind = this.behind[slot]!;
    if (before === none) server.firstPair = behind;
    else this.behind[before] = behind;
    if (behind === none) server.lastPair = before;
    else this.before[behind] = before;
    const place = this.placeOf(this.hashes[slot]!);
    if (this.heads[place] === slot + 1) {
      this.heads[place] = this.chained[slot]!;
      return;
    }
    let one = this.heads[place]!;
    while (one !== 0 && this.chained[one - 1] !== slot + 1) one = this.chained[one - 1]!;
    assert(one !== 0, 'a slot in use is in its chain');
    this.chained[one - 1] = this.chained[slot]!;
  }

  private placeOf(hash: number): number {
    return hash & (this.heads.length - 1);
  }
}

/**
 * FNV-1a over the characters, mixed so that the lower bits depend on all of them (MurmurHash3's finalizer). Who chooses addresses that
 * meet in one place makes a chain of all slots at the worst: as many comparisons of numbers.
 */
function hashOf({ number }: PairedServer, address: string): number {
  let hash = 0x811c9dc5 ^ number;
  for (let at = 0; at < address.length; at++) hash = Math.imul(hash ^ address.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
