/**
 * The fold: observations in, connections out. Pure bookkeeping without clock or input of its own; the same observations give
 * the same stories, whatever source they came from.
 *
 * A connection is handed to `onConnection` once, when its source is done with it (`closed`) or the story ends. Until then it is
 * in `open()`, its value growing.
 */
import { type ConnectionId, type Observation, unreachable } from '../base/index.js';
import { ConnectionState } from './connection-state.js';
import type { StoryShared } from './connection-tools.js';
import { type Connection, storyLimits, type Totals } from './model.js';

export interface StoryOptions {
  /** Takes each connection when its story is over. */
  readonly onConnection: (connection: Connection) => void;
  /**
   * Marks kept per connection: gaps and every segment that has a call; the first half of them and the newest half. 0 for none.
   */
  readonly marksPerConnection?: number;
  /** These connections keep the marks of ordinary segments too (for a ladder). */
  readonly detailOf?: ConnectionId | ReadonlySet<ConnectionId> | undefined;
  /**
   * The story is looked at while it is told: connections keep the marks of ordinary segments too, the first and the newest, and
   * their newest exchanges beside the first.
   */
  readonly live?: boolean | undefined;
}

export class Story {
  readonly totals: Totals = {
    connections: 0,
    requests: 0,
    responses: 0,
    reusedConnections: 0,
    resets: 0,
    fins: 0,
    keepAliveProbes: 0,
    keepAliveAnswers: 0,
    retransmissions: 0,
  };
  private readonly states = new Map<ConnectionId, ConnectionState>();
  private readonly onConnection: (connection: Connection) => void;
  private readonly shared: StoryShared;
  private lastId = -1;
  private lastState: ConnectionState | null = null;

  constructor(options: StoryOptions) {
    const { detailOf, live = false } = options;
    const marks = options.marksPerConnection ?? (live ? storyLimits.marksOfLive : storyLimits.marksPerConnection);
    const isDetailed = (id: ConnectionId): boolean => (typeof detailOf === 'object' ? detailOf.has(id) : id === detailOf);
    this.onConnection = options.onConnection;
    this.shared = {
      totals: this.totals,
      idleTools: [],
      keptExchanges: 0,
      live,
      marksOf: (connection) => (isDetailed(connection) ? storyLimits.marksOfDetail : marks),
    };
  }

  /** Takes the next observation. A property, so that it can be handed on as it is. */
  readonly observe = (observation: Observation): void => {
    const id = observation.connection;
    if (observation.kind === 'opened') {
      const opened = new ConnectionState(observation, this.shared);
      this.totals.connections++;
      this.states.set(id, opened);
      this.lastId = id;
      this.lastState = opened;
      return;
    }
    let state = this.lastState;
    if (id !== this.lastId || state === null) {
      state = this.states.get(id) ?? null;
      if (state === null) return;
      this.lastId = id;
      this.lastState = state;
    }
    switch (observation.kind) {
      case 'bytes':
        state.bytes(observation);
        break;
      case 'ack':
        state.ack(observation);
        break;
      case 'syn':
        state.syn(observation);
        break;
      case 'fin':
        state.fin(observation);
        break;
      case 'reset':
        state.reset(observation);
        break;
      case 'call':
        state.call(observation);
        break;
      case 'gap':
        state.gap(observation);
        break;
      case 'closed':
        this.close(id, state);
        break;
      case 'request-head':
      case 'response-head':
      case 'message-end':
        state.message(observation);
        break;
      default:
        unreachable(observation);
    }
  };

  /** Ends the story of every connection that is still open, in order of their numbers. */
  end(): void {
    for (const [id, state] of [...this.states].sort((a, b) => a[0] - b[0])) this.close(id, state);
  }

  /** The connections whose story goes on, as they were at their last packet. */
  *open(): Iterable<Connection> {
    for (const state of this.states.values()) yield state.snapshot();
  }

  /** How many there are. */
  get openCount(): number {
    return this.states.size;
  }

  /** One of them as it stands at `nowNs`, as if its story ended there: an open one has been silent up to then. Null: there is none. */
  current(id: ConnectionId, nowNs: number): Connection | null {
    return this.states.get(id)?.current(nowNs) ?? null;
  }

  private close(id: ConnectionId, state: ConnectionState): void {
    this.states.delete(id);
    if (this.lastId === id) {
      this.lastId = -1;
      this.lastState = null;
    }
    this.onConnection(state.close());
  }
}
