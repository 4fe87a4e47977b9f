/**
 * Which way a packet goes, and what the middlebox remembers.
 *
 * Both ends of the link have the same address, so a packet does not say who sent it: its ports do, once it is known which of them
 * opened the flow. That is the sender of the SYN, of the first datagram, or (joined in the middle) the one with the higher port.
 * Two ends with the same port number cannot be told apart; everything between them counts as going to the server.
 *
 * Bounded: `flowLimit` flows; beyond it those that were quiet longest are dropped, and the next packet of one is like the first.
 */
import { headerLength, protocols, quotedOffset, tcpFlags, transportOffset } from './link-packet.js';
import { type LinkDirection, toClient, toServer } from './link-settings.js';

/** Flows that are remembered at once. */
const flowLimit = 65_536;

const icmpEchoRequest = 8;

interface Flow {
  lastAtNs: number;
  /** How often the middlebox had been told to forget everything when the flow began. */
  epoch: number;
  forgotten: boolean;
}

/** What the middlebox is set to. */
export interface Forgetting {
  readonly afterNs: number;
  readonly epoch: number;
}

export class LinkFlows {
  /** Of the last packet: the middlebox does not know its connection (any more). */
  forgotten = false;
  readonly #flows = new Map<number, Flow>();

  /** The direction of a packet as it was sent. It has been checked to be IPv4. */
  direction(packet: Uint8Array, nowNs: number, forgetting: Forgetting): LinkDirection {
    this.forgotten = false;
    const start = transportOffset(packet);
    if (start < 0) return this.#withoutPorts(packet);
    const isTcp = packet[9] === protocols.tcp;
    const opens = isTcp && (packet[start + 13]! & (tcpFlags.syn | tcpFlags.ack | tcpFlags.rst)) === tcpFlags.syn;
    const source = (packet[start]! << 8) | packet[start + 1]!;
    const destination = (packet[start + 2]! << 8) | packet[start + 3]!;
    const network = (isTcp ? 256 : 0) + packet[19]!;
    const forward = keyOf(network, source, destination);
    const backward = keyOf(network, destination, source);
    if (opens) {
      if (backward !== forward) this.#flows.delete(backward);
      this.#add(forward, nowNs, forgetting.epoch);
      return toServer;
    }
    let flow = this.#flows.get(forward);
    let direction: LinkDirection = toServer;
    if (flow === undefined) {
      flow = this.#flows.get(backward);
      direction = toClient;
    }
    if (flow === undefined) {
      direction = isTcp && source < destination ? toClient : toServer;
      flow = this.#add(direction === toServer ? forward : backward, nowNs, forgetting.epoch);
      flow.forgotten = isTcp && forgetting.afterNs !== Number.POSITIVE_INFINITY;
    }
    if (isTcp) this.#remember(flow, nowNs, forgetting);
    flow.lastAtNs = nowNs;
    return direction;
  }

  #remember(flow: Flow, nowNs: number, { afterNs, epoch }: Forgetting): void {
    if (nowNs - flow.lastAtNs >= afterNs || flow.epoch !== epoch) flow.forgotten = true;
    this.forgotten = flow.forgotten && afterNs !== Number.POSITIVE_INFINITY;
  }

  /** An error goes against the packet that it is about, a ping to the server, and all else (fragments too) as well. */
  #withoutPorts(packet: Uint8Array): LinkDirection {
    const quoted = quotedOffset(packet);
    if (quoted < 0) {
      const asks = packet[9] !== protocols.icmp || packet[headerLength(packet)] === icmpEchoRequest;
      return asks ? toServer : toClient;
    }
    const start = quoted + (packet[quoted]! & 15) * 4;
    if (packet.length < start + 4) return toClient;
    const source = (packet[start]! << 8) | packet[start + 1]!;
    const destination = (packet[start + 2]! << 8) | packet[start + 3]!;
    // The quoted packet is as its receiver saw it: source and destination address are swapped.
    const network = (packet[quoted + 9] === protocols.tcp ? 256 : 0) + packet[quoted + 15]!;
    return this.#flows.has(keyOf(network, source, destination)) ? toClient : toServer;
  }

  #add(key: number, nowNs: number, epoch: number): Flow {
    if (this.#flows.size >= flowLimit) this.#dropQuietest();
    const flow = { lastAtNs: nowNs, epoch, forgotten: false };
    this.#flows.set(key, flow);
    return flow;
  }

  #dropQuietest(): void {
    const times = [...this.#flows.values()].map(({ lastAtNs }) => lastAtNs).sort((a, b) => a - b);
    const oldest = times[times.length >> 2]!;
    for (const [key, flow] of this.#flows) if (flow.lastAtNs <= oldest) this.#flows.delete(key);
  }
}

/** Client's port, server's port, protocol and last byte of the server's address as one number. */
const keyOf = (network: number, client: number, server: number): number => (network * 65_536 + client) * 65_536 + server;
