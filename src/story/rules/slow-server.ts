import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords, requestWords } from '../diagnosis-words.js';
import { cameTooLate } from '../ending.js';
import { isMeantToWait, isPoll } from '../meant-to-wait.js';
import type { Exchange } from '../model.js';

/** A shorter wait is not worth a finding. */
const leastWaitNs = 1e9;
/** With the end of the capture in sight nobody can say how long it would have been: only clear cases. */
const leastOpenWaitNs = 3e9;

export const slowServer: Rule = {
  id: 'slow-server',
  level: 'warning',
  confidence: 'high',
  owner: 'server',
  title: 'The server took long to answer',
  prose:
    'The request had arrived: the server’s machine acknowledged all of it. Then the caller waited for the first byte of the answer, or ' +
    'for the rest of it, although neither the network nor the caller held anything up. So the time went into the server program or into ' +
    'something it waited for (a database, another service, a full queue of requests). Connection settings will not make this faster. ' +
    'For requests that are meant to wait it is no fault (event streams and what is named a poll are left out; exports are not).',
  notToConfuseWith:
    'A slow network (the request or the answer was sent again, slow-network) and a slow reader (the caller’s window was closed, slow-client).',
  fixes: [
    {
      for: 'the application',
      setting: 'time the handler of the requests named here, from its first to its last line',
      why: 'the packets prove that the time passed on the server, not where in it',
    },
    {
      for: 'a proxy in front',
      setting: 'its response timeout (nginx proxy_read_timeout, HAProxy timeout server) above the slowest answer',
      why: 'otherwise it cuts the wait and answers 504',
    },
  ],
  asks: ['waited-for-server'],
  onConnection: (connection, { longestServerNs, byTurns }) => {
    if (longestServerNs < leastWaitNs) return null;
    // The end of the request, or an answer in between, may be among the missing bytes.
    const { gapBytes, acksOfUnseen } = connection.tcp;
    if (gapBytes.client + gapBytes.server + acksOfUnseen.client + acksOfUnseen.server > 0) return null;
    const packets: number[] = [];
    let count = 0;
    let delayNs = 0;
    let slowest: Exchange | null = null;
    // A machine that runs acknowledges what the client sends last: without that nobody knows when it fell silent.
    const isGone = (connection.closing.unanswered?.retransmissions ?? 0) >= 2;
    for (const exchange of connection.exchanges) {
      const { waited, requestAcked, firstByte, responseEnd } = exchange;
      if (waited.server < leastWaitNs || firstByte === null || !exchange.requestSeen || (isGone && responseEnd === null))
        continue;
      if (cameTooLate(exchange, connection.closing) || isMeantToWait(exchange)) continue;
      if (slowest === null || waited.server > slowest.waited.server) slowest = exchange;
      count++;
      delayNs += waited.server;
      if (packets.length < 20) packets.push((requestAcked ?? exchange.requestAt).packet, firstByte.packet);
      if (responseEnd !== null && packets.length < 20 && responseEnd.packet !== firstByte.packet)
        packets.push(responseEnd.packet);
    }
    if (slowest === null) return null;
    const { waited, firstByte, method, target } = slowest;
    return {
      packets,
      count,
      delayNs,
      // Without its head nobody knows whether it is meant to wait.
      confidence: slowest.requestAcked === null || byTurns ? 'medium' : 'high',
      text: () =>
        `The longest on connection #${connection.id}: ${requestWords({ method, target })} waited ${durationWords(waited.server)} for the server (answer from packet ${firstByte?.packet ?? 0} on).`,
    };
  },
  // Connections on which a request still waits when the capture ends.
  onServer: ({ waiting }, { latestNs, isLeaky }) => {
    // In a leaky capture the answer, or the reset that ended it, may merely be missing.
    if (isLeaky) return null;
    const long = waiting.filter(({ sinceNs, target }) => latestNs - sinceNs >= leastOpenWaitNs && !isPoll(target));
    const [first] = long.toSorted((a, b) => a.sinceNs - b.sinceNs);
    if (first === undefined) return null;
    const { connection, requestPacket, sinceNs, stuckInUpload } = first;
    return {
      confidence: 'medium',
      packets: long.map((request) => request.requestPacket),
      connections: long.map((request) => request.connection),
      count: long.length,
      delayNs: long.reduce((sum, request) => sum + latestNs - request.sinceNs, 0),
      text: () =>
        `On connection #${connection} ${requestWords(first)} (packet ${requestPacket}) ${stuckInUpload ? 'could not be sent on, because the server does not read it,' : 'had no answer'} when the capture ended, ${durationWords(latestNs - sinceNs)} later.`,
    };
  },
  sum: ({ count, delayNs, requests }) =>
    `${count} of ${counted(requests, 'request')} waited a second or more for the server, ${durationWords(delayNs)} together.`,
};
