import type { Rule } from '../diagnosis-rule.js';
import { counted, requestWords } from '../diagnosis-words.js';
import { swallowedTurn } from '../encrypted-use.js';

export const pathLost: Rule = {
  id: 'path-lost',
  level: 'bad',
  confidence: 'high',
  owner: 'network',
  title: 'The other side fell silent in the middle of the talk',
  prose:
    'Data were sent again and again, and no packet of the other side came any more, not even an acknowledgement by its machine. So the ' +
    'other machine is gone (power, crash, a killed virtual machine) or the path to it is. A program that merely hangs is not the cause: ' +
    'its machine would go on acknowledging. Connection timeouts of the programs have nothing to do with it.',
  notToConfuseWith:
    'A box that forgets idle connections (silent-drop: there is an idle time before), and a slow program (slow-server).',
  fixes: [
    {
      for: 'the client',
      setting: 'a connect and a response timeout, and a retry elsewhere',
      why: 'without them it waits for the kernel, 15 minutes on Linux',
    },
    { for: 'Linux', setting: 'net.ipv4.tcp_retries2 = 8', why: 'gives up after about 100 s instead of 15 minutes' },
    { for: 'a socket', setting: 'TCP_USER_TIMEOUT = 30 s', why: 'the same for one connection' },
  ],
  endings: ['data-unanswered', 'response-cut'],
  onConnection: (connection, { bothSeen, firstUnanswered, sound }) => {
    const { id, closing, ending, tcp } = connection;
    if (!bothSeen || firstUnanswered >= 0) return null;
    // Behind an idle time it is silent-drop.
    if (sound && swallowedTurn(connection) !== null) return null;
    const { unanswered } = closing;
    // The client left in the middle of an answer, and nothing acknowledged that.
    if (ending.why === 'response-cut' && (unanswered?.from !== 'client' || unanswered.retransmissions < 2)) return null;
    if (unanswered === null || tcp.bytes[unanswered.from === 'client' ? 'server' : 'client'] + tcp.syns.server === 0) return null;
    return {
      level: 'warning',
      packets: [unanswered.since.packet, unanswered.last.packet],
      text: () =>
        `For example connection #${id}: the ${unanswered.from} sent again ${counted(unanswered.retransmissions, 'time')} (packets ${unanswered.since.packet} to ${unanswered.last.packet}).`,
    };
  },
  onLostRequest: (lost, _server, { isLeaky }) => {
    if (lost.sentAgain < 2) return null;
    // The client’s close stayed unanswered like all before it; or a machine that knows nothing of the connection answers at last.
    const isSilent = lost.by === 'network' || lost.by === 'client' || (lost.how === 'rst' && !lost.acknowledged);
    if (!isSilent) return null;
    // The client takes the connection for open; a server whose accept queue is full has forgotten it.
    const mayBeQueued = lost.number === 1 && !lost.acknowledged;
    return {
      confidence: mayBeQueued || (isLeaky && lost.by !== 'network') ? 'medium' : 'high',
      packets: [lost.requestAt.packet, lost.closeAt.packet],
      lostRequests: lost.pending,
      delayNs: Math.max(0, lost.waitedNs),
      text: () =>
        `For example connection #${lost.connection}: ${requestWords(lost)} (packet ${lost.requestAt.packet})${lost.acknowledged ? ' was waiting; what the client sent then was' : ''} sent again ${counted(lost.sentAgain, 'time')} without an acknowledgement.${mayBeQueued ? ' It was the first of its connection: the server’s accept queue may have been full (ss -ltn: Recv-Q above Send-Q).' : ''}`,
    };
  },
  sum: ({ count, lostRequests }) =>
    `${counted(count, 'connection')} fell silent${lostRequests > 0 ? `, ${counted(lostRequests, 'request')} lost` : ''}.`,
};
