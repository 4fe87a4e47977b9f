/** What a link counts, by direction: in shared memory, written by the link's thread, read at any time. */

const countNames = [
  'packets',
  'bytes',
  'delivered',
  'deliveredBytes',
  'lost',
  'queueFull',
  'cut',
  'forgotten',
  'refused',
  'reordered',
  'duplicated',
  'corrupted',
  'forgedResets',
] as const;

export type LinkCount = (typeof countNames)[number];

/** Packets of one direction. Each that was sent is delivered, still under way, or in exactly one of the counts of dropped ones. */
export interface LinkWayStatistics {
  /** Sent into the link, dropped ones included. */
  readonly packets: number;
  /** Bytes of IP packets sent into the link. */
  readonly bytes: number;
  /** Handed to the receiver, duplicates and forged resets included. */
  readonly delivered: number;
  readonly deliveredBytes: number;
  readonly dropped: {
    /** By chance, as asked. */
    readonly lost: number;
    /** No room in the queue before the rate. */
    readonly queueFull: number;
    readonly cut: number;
    /** By the middlebox, which had forgotten the connection. */
    readonly forgotten: number;
    /** The receiver's kernel did not take it. */
    readonly refused: number;
  };
  readonly reordered: number;
  readonly duplicated: number;
  readonly corrupted: number;
  /** Resets made by the middlebox, towards the receiver of this direction. */
  readonly forgedResets: number;
}

export interface LinkStatistics {
  readonly toServer: LinkWayStatistics;
  readonly toClient: LinkWayStatistics;
  /** Packets that the device dropped because the link's thread was late: not asked for, and in none of the other counts. */
  readonly overrun: number;
}

export const countPlace = Object.fromEntries(countNames.map((name, place) => [name, place])) as Record<LinkCount, number>;
export const countsLength = countNames.length;

export const newCounts = (): Float64Array<SharedArrayBuffer> => new Float64Array(new SharedArrayBuffer(2 * countsLength * 8));

export function readCounts(shared: Float64Array, direction: number): LinkWayStatistics {
  const of = (name: LinkCount): number => shared[direction * countsLength + countPlace[name]]!;
  return {
    packets: of('packets'),
    bytes: of('bytes'),
    delivered: of('delivered'),
    deliveredBytes: of('deliveredBytes'),
    dropped: {
      lost: of('lost'),
      queueFull: of('queueFull'),
      cut: of('cut'),
      forgotten: of('forgotten'),
      refused: of('refused'),
    },
    reordered: of('reordered'),
    duplicated: of('duplicated'),
    corrupted: of('corrupted'),
    forgedResets: of('forgedResets'),
  };
}
