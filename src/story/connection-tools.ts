/** What connections are read with, and what all connections of a story share. */
import { HttpTalk, type TalkListener } from './http-talk.js';
import type { Totals } from './model.js';
import { WaitAccount } from './waiting.js';
import { ZeekView } from './zeek.js';

/** What a connection is read with. Worth keeping: connections come by the thousand. */
export class Tools {
  readonly zeek = new ZeekView();
  readonly wait = new WaitAccount();
  readonly talk: HttpTalk;

  constructor(listener: TalkListener) {
    this.talk = new HttpTalk(listener, this.wait);
  }

  restart(listener: TalkListener): void {
    this.zeek.restart();
    this.wait.restart();
    this.talk.restart(listener);
  }
}

/** What all connections of a story share. */
export interface StoryShared {
  readonly totals: Totals;
  /** What connections that are over worked with, to be used again. */
  readonly idleTools: Tools[];
  /** Exchanges kept in connections that are not closed. */
  keptExchanges: number;
  /** Somebody looks on while the story is told. */
  readonly live: boolean;
  /** How many marks a connection keeps; `storyLimits.marksOfDetail`: the ordinary ones (ACKs, data, messages) too. */
  readonly marksOf: (connection: number) => number;
}
