/**
 * Whoever sees what passes between the peers: a recording of packets, or a relay where nobody may record. It watches from before the first
 * server is started, and in the end gives the evidence.
 */

import { rename } from 'node:fs/promises';
import type { Observer } from '../base/index.js';
import {
  type Link,
  type LinkEnd,
  linkAddresses,
  openPacketSource,
  openTap,
  type PacketSource,
  type Tap,
  tapOriginSeconds,
} from '../capture/index.js';
import { observeCapture } from '../packets/index.js';
import { type Evidence, EvidenceCollector, readEvidence } from './evidence.js';
import type { Rests } from './expectation.js';
import { record } from './recording.js';

/** Why an expectation cannot be judged here; null: it can. */
type Reach = (rests: Rests) => string | null;

export interface Witness {
  /** "lo, AF_PACKET ring". */
  readonly by: string;
  readonly reach: Reach;
  /** Lets clients reach a server at that port, and says at which one they do. */
  open(port: number): Promise<number>;
  stop(counted: ReadonlyMap<string, number>): Promise<Seen>;
}

interface Seen {
  readonly evidence: Evidence;
  /** The recording, or null: a relay has no packets to write down. */
  readonly file: string | null;
  /** Packets that were not recorded. */
  readonly dropped: number;
}

export interface PacketWitnessOptions {
  readonly link: Link | null;
  readonly recordedEnd: LinkEnd;
  readonly ports: readonly number[];
  /** Without its ending: `.pcapng`, or `.pcap` when the source makes that. */
  readonly file: string;
  readonly ownNetwork: boolean;
  readonly observe: Observer | null;
}

const pcapngMagic = 0x0a0d0d0a;

/** Throws CaptureError when packets cannot be recorded here. */
export async function packetWitness(options: PacketWitnessOptions): Promise<Witness> {
  const { link, recordedEnd, ports, file, ownNetwork, observe } = options;
  const source = link === null ? await openLoopback(ports) : link.record(recordedEnd);
  const live = observe === null ? null : observeCapture({ live: true, observe });
  let magic: number | null = null;
  const recording = await record(source, `${file}.pcapng`, (chunk) => {
    magic ??= new DataView(chunk.buffer, chunk.byteOffset, chunk.length).getUint32(0);
    live?.push(chunk);
  });
  return {
    by: recording.by,
    reach: (rests) => {
      if (rests === 'link' && link === null) return 'there is no link here: it needs a network namespace';
      if (rests === 'settings' && !ownNetwork) return 'the kernel here is not told otherwise: that needs a network namespace';
      return null;
    },
    open: async (port) => port,
    stop: async (counted) => {
      const { dropped } = await recording.stop();
      const named = magic === pcapngMagic ? `${file}.pcapng` : `${file}.pcap`;
      if (named !== `${file}.pcapng`) await rename(`${file}.pcapng`, named);
      return { evidence: await readEvidence(named, counted), file: named, dropped };
    },
  };
}

function openLoopback(ports: readonly number[]): Promise<PacketSource> {
  const filter = `tcp and (${ports.map((port) => `port ${port}`).join(' or ')})`;
  return openPacketSource({ interface: 'lo', filter, whenBehind: 'wait' });
}

const withoutPackets: Readonly<Record<Exclude<Rests, 'bytes'>, string>> = {
  packets: 'only packets show it, and here a relay watches',
  kernel: "the relay's own sockets are in the table",
  settings: 'only packets show it, and here a relay watches',
  link: 'there is no link here: it needs a network namespace',
};

/** A relay before each server. */
export function relayWitness(observe: Observer | null): Witness {
  const taps: Tap[] = [];
  const collector = new EvidenceCollector();
  let connections = 0;
  let firstAtNs: number | null = null;
  let lastAtNs: number | null = null;
  /** Each relay counts its connections from 0; the evidence counts all of them. */
  const numbered = (): Observer => {
    const numbers = new Map<number, number>();
    return (observation) => {
      let connection = numbers.get(observation.connection);
      if (connection === undefined) {
        connection = connections++;
        numbers.set(observation.connection, connection);
      }
      firstAtNs ??= observation.atNs;
      lastAtNs = observation.atNs;
      const known = { ...observation, connection };
      collector.observe(known);
      observe?.(known);
    };
  };
  return {
    by: 'a relay in user space',
    reach: (rests) => (rests === 'bytes' ? null : withoutPackets[rests]),
    open: async (port) => {
      const tap = await openTap({
        listen: { port: 0 },
        to: { host: '127.0.0.1', port },
        observeClientSide: numbered(),
      });
      taps.push(tap);
      return tap.address.port;
    },
    stop: async (counted) => {
      for (const tap of taps) await tap.close();
      const evidence = collector.end(
        {
          format: 'tap',
          linkTypes: [],
          packets: 0,
          bytes: 0,
          originSeconds: tapOriginSeconds,
          timeDecimals: 9,
          firstAtNs,
          lastAtNs,
          tcpPackets: 0,
          otherPackets: {},
          problems: [],
        },
        counted,
      );
      return { evidence, file: null, dropped: 0 };
    },
  };
}

/** What servers listen on and clients connect to. */
export const addressesOf = (link: Link | null): { readonly serverAddress: string; readonly clientAddress: string } => ({
  serverAddress: link === null ? '127.0.0.1' : linkAddresses.client,
  clientAddress: link === null ? '127.0.0.1' : linkAddresses.server,
});
