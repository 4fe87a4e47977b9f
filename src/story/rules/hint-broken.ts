import { maximumRequests } from '../diagnosis-inference.js';
import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';
import { fixesFor, keepIdleLonger } from '../fixes.js';

/** Earlier than this share of the announced time. */
const earlyShare = 0.9;
const slackNs = 100e6;

export const hintBroken: Rule = {
  id: 'hint-broken',
  level: 'warning',
  confidence: 'medium',
  owner: 'server',
  title: 'The server closed earlier than it had announced',
  prose:
    'The server’s answers carry a Keep-Alive field: how many seconds it will keep the connection without a request (timeout), or how many ' +
    'more requests it will take (max). It closed before that. Clients that plan with the announcement will send requests into ' +
    'connections that are gone. Usually the field is written by one program and the closing is done by another (a proxy, a worker), or ' +
    'one of the two settings was changed alone.',
  notToConfuseWith: 'A restart of the server, which closes everything at once (deploy-burst).',
  fixes: [
    {
      for: 'nginx server',
      setting: 'keepalive_timeout 65s 60s;',
      why: 'the second value is what it announces; it must not be longer than the first',
    },
    {
      for: 'Node.js server',
      setting: 'server.keepAliveTimeout = 65_000 (and nothing in front that closes earlier)',
      why: 'it announces what is set here',
    },
    ...keepIdleLonger.filter(({ for: product }) => product === 'Apache httpd'),
  ],
  endings: ['idle', 'after-response'],
  onConnection: ({ id, ending, exchangeCount }, { lastHintSeconds, lastHintMax, firstUnanswered, server, sound }) => {
    if (!sound || ending.by !== 'server' || (lastHintSeconds === null && lastHintMax === null) || firstUnanswered >= 0)
      return null;
    const { idleNs, why, at } = ending;
    const packets = [at.packet];
    const fixes = () => fixesFor(hintBroken.fixes, server.software);
    if (why === 'idle' && idleNs !== null && lastHintSeconds !== null && idleNs < earlyShare * lastHintSeconds * 1e9 - slackNs) {
      return {
        packets,
        fixes,
        text: () =>
          `For example connection #${id}: closed after ${durationWords(idleNs)} of idleness (packet ${at.packet}), announced were ${lastHintSeconds} s.`,
      };
    }
    if (
      why === 'after-response' &&
      lastHintSeconds === null &&
      lastHintMax !== null &&
      lastHintMax > 0 &&
      exchangeCount < lastHintMax
    ) {
      return {
        confidence: 'low',
        packets,
        fixes,
        text: () =>
          `For example connection #${id}: closed behind its answer number ${exchangeCount} (packet ${at.packet}), which still announced max=${lastHintMax}.`,
      };
    }
    return null;
  },
  // A close right behind an answer breaks the announced time too, unless a maximum of requests explains it.
  onServer: (server) => {
    const prompt = server.recentCloses.filter((close) => close.prompt && close.hintSeconds !== null);
    const [first] = prompt;
    if (first === undefined || maximumRequests(server) !== null) return null;
    return {
      count: prompt.length,
      connections: prompt.map(({ connection }) => connection),
      packets: prompt.map(({ packet }) => packet),
      fixes: () => fixesFor(hintBroken.fixes, server.software),
      text: () =>
        `For example connection #${first.connection}: closed right behind an answer (packet ${first.packet}) that announced ${first.hintSeconds} s.`,
    };
  },
  sum: ({ count }) => `${counted(count, 'connection')} closed before the announced time or count.`,
};
