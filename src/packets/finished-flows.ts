/**
 * Finished connections that wait for late segments, in order of their end: so many at most, and each so long after its last packet.
 *
 * Asked with every packet, so that the answer no costs one comparison: since when the first of them waits is remembered, and
 * looked up again when another one comes or a connection that may be the first has changed.
 */
import type { Flow } from './flow.js';

export interface FinishedFlowsOptions {
  /** How many wait at most. */
  readonly limit: number;
  readonly lingerNs: number;
  /** Tells a connection whose time is over. */
  readonly retire: (flow: Flow) => void;
}

export class FinishedFlows {
  private readonly limit: number;
  private readonly lingerNs: number;
  private readonly retire: (flow: Flow) => void;
  /** Consumed from `head`. What is finished no more, or told already, is passed over when it is the first. */
  private flows: Flow[] = [];
  private head = 0;
  /** Since when the first of them waits; a time that never comes when there is none. A float from the beginning. */
  private firstAtNs = Number.POSITIVE_INFINITY;
  private hasChanged = false;

  constructor({ limit, lingerNs, retire }: FinishedFlowsOptions) {
    this.limit = limit;
    this.lingerNs = lingerNs;
    this.retire = retire;
  }

  add(flow: Flow): void {
    this.flows.push(flow);
    this.hasChanged = true;
  }

  /** A connection was told, or is not finished after all: it may be the first of those that wait. */
  change(): void {
    this.hasChanged = true;
  }

  clear(): void {
    this.flows = [];
    this.head = 0;
    this.firstAtNs = Number.POSITIVE_INFINITY;
  }

  /** False: there is nothing to do at this time. */
  mayBeDue(nowNs: number): boolean {
    return this.hasChanged || nowNs - this.firstAtNs >= this.lingerNs;
  }

  /** Retires those whose time is over at `nowNs`. */
  passTime(nowNs: number): void {
    for (;;) {
      if (this.head >= this.flows.length) {
        this.firstAtNs = Number.POSITIVE_INFINITY;
        break;
      }
      const flow = this.flows[this.head]!;
      if (flow.slot >= 0 && flow.finished) {
        if (this.flows.length - this.head <= this.limit) {
          if (nowNs - flow.finishedAtNs < this.lingerNs) {
            this.firstAtNs = flow.finishedAtNs;
            break;
          }
          if (nowNs - flow.lastAtNs < this.lingerNs) {
            // Still heard of: it waits again from there.
            flow.finishedAtNs = flow.lastAtNs;
            this.flows.push(flow);
            this.head++;
            continue;
          }
        }
        this.retire(flow);
      }
      this.head++;
    }
    this.hasChanged = false;
    if (this.head > 1024 && this.head * 2 > this.flows.length) {
      this.flows = this.flows.slice(this.head);
      this.head = 0;
    }
  }
}
