/**
 * A set of facts with a limit. When it is full, the one that makes room is the first that was not used since the hand of the
 * clock last passed over it: nearly the one used longest ago, and use costs one write.
 */
import { assert } from '../base/index.js';

export interface TableEntry {
  /** Set on use; cleared by the clock. */
  used: boolean;
  /** Place in the table's array of entries; the table's own. */
  slot: number;
}

export class ClockTable<T extends TableEntry> {
  private readonly slots: T[] = [];
  private readonly limit: number;
  private readonly retire: (entry: T) => void;
  private hand = 0;

  /** `retire` is told of an entry that has to go, after it was taken out. */
  constructor(limit: number, retire: (entry: T) => void) {
    this.limit = limit;
    this.retire = retire;
  }

  /** In order of first use as long as none had to go. */
  get entries(): readonly T[] {
    return this.slots;
  }

  /** Takes an entry out when there is no room for another, and gives it: it may be filled anew. */
  makeRoom(): T | null {
    return this.slots.length < this.limit ? null : this.takeOut();
  }

  /** There has to be room. */
  add(entry: T): void {
    assert(this.slots.length < this.limit, 'there is room for an entry');
    entry.slot = this.slots.length;
    this.slots.push(entry);
  }

  remove(entry: T): void {
    const last = this.slots.pop();
    assert(last !== undefined, 'an entry is in the table');
    if (last === entry) return;
    this.slots[entry.slot] = last;
    last.slot = entry.slot;
  }

  private takeOut(): T {
    for (;;) {
      if (this.hand >= this.slots.length) this.hand = 0;
      const entry = this.slots[this.hand]!;
      if (entry.used) {
        entry.used = false;
        this.hand++;
        continue;
      }
      this.remove(entry);
      this.retire(entry);
      return entry;
    }
  }
}
