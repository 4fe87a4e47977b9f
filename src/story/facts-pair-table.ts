/**
 * Which pairs of a client address and a server are known: each has a slot, a small number, under which everything about it is kept.
 *
 * A hash table in arrays of numbers, and for each server a list of its slots in order of first use. With each connection another pair
 * is wanted, and what is spread over the memory (maps, entries, keys, an object a pair) has to be fetched piece by piece.
 *
 * When all slots are taken, the one that is given away is the first that was not used since the hand of the clock last passed over it:
 * nearly the one used longest ago.
 */
/** What the table keeps at a server: the table's own. */
export interface PairedServer {
  /** Tells it from other servers of the table. */
  readonly number: number;
  /** The slots of its pairs used first and last; −1 without any. */
  firstPair: number;
  lastPair: number;
}

const none = -1;

/**
 * Places in the row of a slot: the hash of its pair first; the number of the server; the next slot of the same hash, as in `heads`;
 * whether it was used; its neighbours in the list of its server.
 */
const numberAt = 1;
const nextAt = 2;
const usedAt = 3;
const beforeAt = 4;
const behindAt = 5;
const rowWidth = 6;

export class PairTable<Server extends PairedServer> {
  /** Of servers that have no pair any more, too, until the slot is given away. */
  readonly servers: Server[] = [];
  readonly addresses: string[] = [];
  private readonly limit: number;
  private readonly retire: (slot: number) => void;
  /** By hash: one more than the first slot of this hash, 0 for none. */
  private readonly heads: Int32Array;
  /** A row for each slot. */
  private readonly links: Int32Array;
  private readonly free: number[] = [];
  private hand = 0;

  /** `retire` is told of a slot that will be given to another pair, while all about it is still there. */
  constructor(limit: number, retire: (slot: number) => void) {
    this.limit = limit;
    this.retire = retire;
    this.heads = new Int32Array(2 ** Math.ceil(Math.log2(2 * limit)));
    this.links = new Int32Array(limit * rowWidth);
  }

  /** The slot of this pair, which counts as use; −1 when it is not known. */
  find(server: Server, address: string): number {
    const { links } = this;
    const hash = hashOf(server, address);
    let next = this.heads[this.placeOf(hash)]!;
    while (next !== 0) {
      const slot = next - 1;
      const row = slot * rowWidth;
      if (links[row] === hash && links[row + numberAt] === server.number && this.addresses[slot] === address) {
        links[row + usedAt] = 1;
        return slot;
      }
      next = links[row + nextAt]!;
    }
    return none;
  }

  /** A slot for a pair that is not known yet. */
  add(server: Server, address: string): number {
    const { links } = this;
    const slot = this.free.pop() ?? (this.servers.length < this.limit ? this.servers.length : this.takeOut());
    const hash = hashOf(server, address);
    const place = this.placeOf(hash);
    this.servers[slot] = server;
    this.addresses[slot] = address;
    const row = slot * rowWidth;
    links[row] = hash;
    links[row + numberAt] = server.number;
    links[row + nextAt] = this.heads[place]!;
    links[row + usedAt] = 1;
    this.heads[place] = slot + 1;
    const before = server.lastPair;
    links[row + beforeAt] = before;
    links[row + behindAt] = none;
    if (before === none) server.firstPair = slot;
    else links[before * rowWidth + behindAt] = slot;
    server.lastPair = slot;
    return slot;
  }

  /** In order of first use. */
  slotsOf(server: Server): number[] {
    const slots: number[] = [];
    for (let slot = server.firstPair; slot !== none; slot = this.links[slot * rowWidth + behindAt]!) slots.push(slot);
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
      const used = slot * rowWidth + usedAt;
      if (this.links[used] === 1) {
        this.links[used] = 0;
        continue;
      }
      this.retire(slot);
      this.unlink(slot);
      return slot;
    }
  }

  private unlink(slot: number): void {
    const { links } = this;
    const row = slot * rowWidth;
    const server = this.servers[slot]!;
    const before = links[row + beforeAt]!;
    const behind = links[row + behindAt]!;
    if (before === none) server.firstPair = behind;
    else links[before * rowWidth + behindAt] = behind;
    if (behind === none) server.lastPair = before;
    else links[behind * rowWidth + beforeAt] = before;
    const place = this.placeOf(links[row]!);
    let one = this.heads[place]! - 1;
    if (one === slot) {
      this.heads[place] = links[row + nextAt]!;
      return;
    }
    while (links[one * rowWidth + nextAt] !== slot + 1) one = links[one * rowWidth + nextAt]! - 1;
    links[one * rowWidth + nextAt] = links[row + nextAt]!;
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
