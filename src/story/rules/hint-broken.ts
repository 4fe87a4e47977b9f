import { ageLimit, maximumRequests } from '../diagnosis-inference.js';
import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';
import type { EarlyClose, ServerFacts } from '../facts-server.js';
import { fixesFor, keepIdleLonger } from '../fixes.js';
import { leakedFrom } from './hint-leaked.js';

/** A FIN that was sent again, because the first one was lost or not captured, is late by so much. */
const promptNs = 100e6;

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
  notToConfuseWith:
    'A restart of the server, which closes everything at once (deploy-burst), and a proxy that passes on what another announced (hint-leaked).',
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
  onServer: (server, whole) => {
    const { isLeaky } = whole;
    const isPrompt = ({ broken, idleNs }: EarlyClose): boolean =>
      broken === 'prompt' || (broken === 'timeout' && idleNs < promptNs);
    const early = server.earlyCloses.filter((close) => !isPrompt(close) || maximumRequests(server) === null);
    const closes = ageLimit(server) === null ? early.filter((close) => !isStop(close, early, server)) : early;
    const [first] = closes;
    if (first === undefined) return null;
    // It never said so itself.
    if (leakedFrom(server, whole) !== null) return null;
    // Where the capture misses packets, what else would tell of a stop may be among them.
    if (isLeaky && closes.length < leastInLeaky) return null;
    // All at one moment: that may have been a stop as well.
    const isOneMoment =
      closes.length > 1 && closes.every(({ atNs, broken }) => broken === 'timeout' && Math.abs(atNs - first.atNs) <= togetherNs);
    return {
      ...(isOneMoment ? { level: 'info', confidence: 'low' } : {}),
      count: closes.length,
      connections: closes.map(({ connection }) => connection),
      packets: closes.map(({ packet }) => packet),
      fixes: () => fixesFor(hintBroken.fixes, server.software),
      text: () => {
        const { connection, packet, idleNs, requests, hintSeconds, hintMax, broken } = first;
        const how = {
          timeout: `closed after ${durationWords(idleNs)} of idleness (packet ${packet}), announced were ${hintSeconds} s`,
          prompt: `closed right behind an answer (packet ${packet}) that announced ${hintSeconds} s`,
          max: `closed behind its answer number ${requests} (packet ${packet}), which still announced max=${hintMax}`,
        }[broken];
        return `For example connection #${connection}: ${how}.`;
      },
    };
  },
  sum: ({ count }) => `${counted(count, 'connection')} closed before the announced time or count.`,
};

/** So near together, idle for different times, or with refusals behind them: the server was stopped. */
const togetherNs = 500e6;
const refusedWithinNs = 5e9;
const leastTogether = 3;
const leastInLeaky = 3;
const leastIdleNs = 200e6;
const idleFactor = 1.5;

function isStop({ atNs }: EarlyClose, all: readonly EarlyClose[], server: ServerFacts): boolean {
  if (server.refusals.some((refusal) => refusal.atNs >= atNs && refusal.atNs - atNs <= refusedWithinNs)) return true;
  const idles = all.filter((other) => Math.abs(other.atNs - atNs) <= togetherNs).map(({ idleNs }) => idleNs);
  const longest = Math.max(...idles);
  return idles.length >= leastTogether && longest >= leastIdleNs && longest >= idleFactor * Math.min(...idles);
}
