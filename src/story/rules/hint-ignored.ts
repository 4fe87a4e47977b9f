import type { Rule } from '../diagnosis-rule.js';
import { counted, durationWords } from '../diagnosis-words.js';
import { letGoEarlier } from '../fixes.js';
import type { Connection } from '../model.js';

const slackNs = 100e6;

export const hintIgnored: Rule = {
  id: 'hint-ignored',
  level: 'warning',
  confidence: 'high',
  owner: 'client',
  title: 'The client reused connections longer than the server had announced',
  prose:
    'The server’s answers say in their Keep-Alive field how long it keeps an idle connection, or how many more requests it will take. The ' +
    'client sent a request after that time or beyond that number. It was answered, so the server was generous this time; it need not be ' +
    'the next time, and then the request is lost. Many clients do not read the field at all: set their idle limit by hand.',
  notToConfuseWith: 'stale-reuse, where the late request was lost.',
  fixes: letGoEarlier,
  asks: ['beyond-hint'],
  onConnection: (connection, { lastHintSeconds, firstHintMax, longestSurvivedGapNs, roundTripNs, sound }) => {
    // Requests and answers in between may be among what is missing.
    if (!sound) return null;
    const { id, exchangeCount } = connection;
    if (lastHintSeconds !== null && longestSurvivedGapNs > lastHintSeconds * 1e9 + slackNs + roundTripNs) {
      return late(connection, roundTripNs);
    }
    if (firstHintMax === null || firstHintMax < 1 || exchangeCount <= firstHintMax + 1) return null;
    const beyond = connection.exchanges[firstHintMax + 1];
    if (beyond === undefined || beyond.firstByte === null) return null;
    // Pipelined before that answer had come: nobody could know.
    const { firstByte } = connection.exchanges[0]!;
    if (firstByte === null || beyond.requestAt.atNs <= firstByte.atNs) return null;
    return {
      confidence: 'medium',
      packets: [beyond.requestAt.packet],
      text: () =>
        `For example connection #${id}: request number ${beyond.number} (packet ${beyond.requestAt.packet}), where the first answer announced max=${firstHintMax}.`,
    };
  },
  sum: ({ count }) => `${counted(count, 'connection')} reused beyond what the server announced.`,
};

function late({ id, exchanges, idleGapsNs }: Connection, roundTripNs: number) {
  for (let index = 1; index < exchanges.length; index++) {
    const seconds = exchanges[index - 1]!.hint?.timeoutSeconds ?? null;
    const gapNs = idleGapsNs[index - 1] ?? 0;
    const exchange = exchanges[index]!;
    if (seconds === null || seconds < 1 || gapNs <= seconds * 1e9 + slackNs + roundTripNs || exchange.firstByte === null)
      continue;
    const { packet } = exchange.requestAt;
    return {
      packets: [packet],
      text: () =>
        `For example connection #${id}: reused after ${durationWords(gapNs)} of idleness (packet ${packet}), announced were ${seconds} s.`,
    };
  }
  return null;
}
