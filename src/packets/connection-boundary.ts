/**
 * Where one connection ends and another begins on the same addresses and ports, and which side opened it.
 *
 * - A SYN with another initial sequence number begins a new connection, whatever state the old one is in (a reused port).
 * - A SYN-ACK does so only when the old connection is finished, or it answers another SYN than the one that is known.
 * - An ACK that answers nothing of a waiting SYN is left over from the connection before (a challenge ACK, RFC 5961 §4).
 */
import { before, type Flow, type Half } from './flow.js';
import type { Segment } from './segment.js';

// TCP flags, here because an imported binding costs a look-up at each use and this runs for every packet.
const SYN = 2;
const RST = 4;
const ACK = 16;

/** Ports that servers listen on although they are above 1023; the lower of two such ports wins. */
const serverPorts = new Set([
  1080, 3000, 3128, 3306, 5000, 5432, 6379, 8000, 8008, 8080, 8081, 8088, 8443, 8888, 9000, 9090, 9200,
]);

/** No receiver offers more, so nothing further ahead is in flight. RFC 7323 §2.3. */
export const largestWindow = 2 ** 30;

/** Whether a SYN or SYN-ACK on a known flow belongs to a new connection. */
export function beginsAnother(flow: Flow, segment: Segment, direction: number): boolean {
  const sender = direction === 1 ? flow.client : flow.server;
  const receiver = direction === 1 ? flow.server : flow.client;
  if ((segment.flags & RST) !== 0) return false;
  const isSynAck = (segment.flags & ACK) !== 0;
  if (isSynAck && receiver.synSeen && !sender.synSeen && answersSyn(segment, receiver)) return false;
  if (sender.seen) {
    if (segment.sequence === sender.initialSequence) return false;
    // In the middle of a connection that it opened itself, a client's SYN-ACK is a stray or forged packet.
    if (isSynAck && direction === 1 && sender.synSeen && !flow.finished) return false;
    if (isSynAck) return flow.finished || !answersSyn(segment, receiver);
    // A SYN captured after the data it opened the way for stands shortly before them.
    const ahead = (sender.next - segment.sequence) | 0;
    return sender.synSeen || receiver.synSeen || flow.finished || ahead <= 0 || ahead > 65_535;
  }
  if (!receiver.seen) return false;
  // What does not answer a waiting SYN is left over from the connection before.
  if (isSynAck) return flow.finished;
  // A SYN from a side not seen before, while the other side was: its SYN-ACK came first, or this is a reused port.
  if (receiver.ackSeen) {
    const sent = (receiver.ack - segment.sequence) | 0;
    return flow.finished || sent < 0 || (receiver.synSeen && sent !== 1);
  }
  return flow.finished;
}

/** Not an answer to the SYN: a challenge ACK or a leftover of the connection that had these ports before. RFC 5961 §4. */
export function isOfAnOlderConnection(segment: Segment, opener: Half): boolean {
  if ((segment.flags & (ACK | RST)) !== ACK) return false;
  if ((segment.flags & SYN) !== 0) return !answersSyn(segment, opener);
  if (segment.payloadLength === 0) return !answersSyn(segment, opener);
  const acknowledged = (segment.acknowledgment - opener.initialSequence) | 0;
  return acknowledged <= 0 || acknowledged > largestWindow;
}

/** A SYN-ACK acknowledges the SYN and none, some or all of the data it carried (TCP Fast Open, RFC 7413). */
function answersSyn(segment: Segment, opener: Half): boolean {
  const acknowledged = (segment.acknowledgment - opener.initialSequence) | 0;
  return acknowledged === 1 || (acknowledged > 1 && acknowledged <= ((opener.next - opener.initialSequence) | 0));
}

export function bothFinsAcknowledged(flow: Flow): boolean {
  return before(flow.client.finSequence, flow.client.ackedTo) && before(flow.server.finSequence, flow.server.ackedTo);
}

/** Joined in mid-stream: whether the sender looks like the server, by its port. */
export function sentByServer(segment: Segment): boolean {
  const source = serverLikeness(segment.sourcePort);
  const destination = serverLikeness(segment.destinationPort);
  if (source !== destination) return source > destination;
  return source > 0 && segment.sourcePort < segment.destinationPort;
}

function serverLikeness(port: number): number {
  if (port === 80 || port === 443) return 4;
  if (port < 1024) return 3;
  if (serverPorts.has(port)) return 2;
  return port < 32_768 ? 1 : 0;
}
