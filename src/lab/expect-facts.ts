/** What is expected of connections, exchanges, endings and findings: each a short sentence and a look at the packets. */

import type { Side } from '../base/index.js';
import type { Connection, Ending, EndingWhy, Exchange } from '../story/index.js';
import { endingReasonTexts } from '../story/index.js';
import { formatCounted, formatDuration } from '../view/index.js';
import { type Choice, type Expectation, each, type Judged, ofAll, ofEach, packetLimit } from './expectation.js';
import { countName, type SocketState } from './stage.js';

/** So many connections were opened. */
export const connections = (count: number): Expectation =>
  ofAll(
    `${formatCounted(count, 'connection')}`,
    (evidence) => ({
      met: evidence.connections.length === count,
      showed: formatCounted(evidence.connections.length, 'connection'),
      packets: evidence.connections.map(({ opened }) => opened.packet).slice(0, packetLimit),
    }),
    'bytes',
  );

/** So many handshakes, and as many ports of the client. */
export const newPortEach = (choice: Choice): Expectation => ({
  words: `${choice.words}: a handshake and a client port of its own`,
  rests: 'packets',
  judge: (evidence) => {
    const chosen = choice.of(evidence);
    const ports = new Set(chosen.map(({ client }) => client.port));
    const handshakes = chosen.filter(({ handshakeNs }) => handshakeNs !== null);
    return {
      met: chosen.length > 0 && ports.size === chosen.length && handshakes.length === chosen.length,
      showed: `${formatCounted(handshakes.length, 'handshake')}, ${formatCounted(ports.size, 'client port')}`,
      packets: chosen.map(({ opened }) => opened.packet).slice(0, packetLimit),
    };
  },
});

/** So many exchanges, each whole and with this status. */
export const exchanges = (choice: Choice, count: number, status = 200): Expectation =>
  ofEach(
    choice,
    `${formatCounted(count, 'exchange')}, whole, status ${status}`,
    (connection) => {
      const whole = connection.exchanges.filter((one) => one.complete && one.status === status);
      const others = connection.exchanges.length - whole.length;
      return {
        met: connection.exchangeCount === count && others === 0,
        showed: `${formatCounted(connection.exchangeCount, 'exchange')}${others > 0 ? `, ${others} of them not so` : ''}`,
        packets: connection.exchanges.map(({ requestAt }) => requestAt.packet).slice(0, packetLimit),
      };
    },
    'bytes',
  );

/** Who ended it, how, and (as the observer calls it) why. */
export const ends = (
  choice: Choice,
  by: Ending['by'],
  how: Ending['how'],
  why?: EndingWhy | readonly EndingWhy[],
): Expectation => {
  const reasons = why === undefined ? null : typeof why === 'string' ? [why] : why;
  const because = reasons === null ? '' : `, ${reasons.map((one) => endingReasonTexts[one]).join(' or ')}`;
  return ofEach(
    choice,
    `${by === 'network' ? 'nobody answers any more' : `the ${by} ends it first, with a ${how === 'fin' ? 'FIN' : 'RST'}`}${because}`,
    ({ ending }) => ({
      met: ending.by === by && ending.how === how && (reasons === null || reasons.includes(ending.why)),
      showed: `ended by ${ending.by} (${ending.how}): ${endingReasonTexts[ending.why]}`,
      packets: [ending.at.packet],
    }),
    'bytes',
  );
};

/** With a FIN, as the messages said; whoever was faster. */
export const endsAsAnnounced = (choice: Choice): Expectation =>
  ofEach(
    choice,
    'closed with a FIN, as announced',
    ({ ending }) => ({
      met: ending.how === 'fin' && ending.why === 'close-announced',
      showed: `ended by ${ending.by} (${ending.how}): ${endingReasonTexts[ending.why]}`,
      packets: [ending.at.packet],
    }),
    'bytes',
  );

/** The last request gets no answer, and the side's host ends the connection. */
export const closesUnanswered = (choice: Choice, by: Side): Expectation =>
  ofEach(
    choice,
    `the last request gets no answer, and a FIN or RST comes from the ${by}`,
    ({ ending, exchanges: all }) => {
      const last = all.at(-1);
      return {
        met: last !== undefined && last.status === null && ending.by === by && (ending.how === 'fin' || ending.how === 'rst'),
        showed: `ended by ${ending.by} (${ending.how}): ${endingReasonTexts[ending.why]}`,
        packets: [...(last === undefined ? [] : [last.requestAt.packet]), ending.at.packet],
      };
    },
    'bytes',
  );

/** Each response begins behind the end of the one before. */
export const answersInOrder = (choice: Choice): Expectation =>
  ofEach(
    choice,
    'the answers come in the order of the requests',
    ({ exchanges: all }) => {
      const late = all.findIndex(
        ({ firstByte }, index) =>
          firstByte === null || (index > 0 && firstByte.atNs < (all[index - 1]!.responseEnd?.atNs ?? Number.POSITIVE_INFINITY)),
      );
      return {
        met: late < 0 && all.length > 0,
        showed: late < 0 ? `${all.length} in order` : `not so at request ${late + 1}`,
        packets: all.flatMap(({ firstByte }) => firstByte?.packet ?? []).slice(0, packetLimit),
      };
    },
    'bytes',
  );

/** FIN both ways, acknowledged, and no reset. */
export const closesFourWays = (choice: Choice): Expectation =>
  ofEach(choice, 'a FIN each way, the first one acknowledged, no RST', ({ closing }) => {
    const { clientFin, serverFin, finAcknowledged, reset } = closing;
    const parts = [
      clientFin === null ? 'no FIN of the client' : null,
      serverFin === null ? 'no FIN of the server' : null,
      finAcknowledged === null ? 'the first FIN was not acknowledged' : null,
      reset === null ? null : `a RST of the ${reset.from}`,
    ].filter((part) => part !== null);
    return {
      met: parts.length === 0,
      showed: parts.length === 0 ? 'so it was' : parts.join(', '),
      packets: [clientFin, serverFin, finAcknowledged, reset?.at].flatMap((moment) => moment?.packet ?? []),
    };
  });

/** The side never sends a FIN. */
export const noFin = (choice: Choice, from: Side): Expectation =>
  ofEach(choice, `the ${from} sends no FIN`, ({ closing }) => {
    const sent = from === 'client' ? closing.clientFin : closing.serverFin;
    return {
      met: sent === null,
      showed: sent === null ? 'none' : `a FIN of the ${from}`,
      packets: sent === null ? [] : [sent.packet],
    };
  });

/** A fact of each exchange, or of one of them. */
export const ofExchange = (
  choice: Choice,
  number: number | 'last' | 'every',
  words: string,
  look: (exchange: Exchange) => { readonly met: boolean; readonly showed: string },
): Expectation =>
  ofEach(
    choice,
    `${number === 'every' ? 'every exchange' : number === 'last' ? 'the last exchange' : `exchange ${number}`}: ${words}`,
    ({ exchanges: all }): Judged => {
      const chosen = number === 'every' ? all : number === 'last' ? all.slice(-1) : all.slice(number - 1, number);
      if (chosen.length === 0) return { met: false, showed: 'there is no such exchange', packets: [] };
      const looked = chosen.map((exchange) => ({ ...look(exchange), exchange }));
      const told = looked.find(({ met }) => !met) ?? looked[0]!;
      const { requestAt, firstByte } = told.exchange;
      return {
        met: told.met,
        showed: told.showed,
        packets: [requestAt.packet, ...(firstByte === null ? [] : [firstByte.packet])],
      };
    },
    'bytes',
  );

/** Who asked for the connection to end after the exchange: `Connection: close`, or HTTP/1.0 without the token. */
export const asksForClose = (
  choice: Choice,
  number: number | 'last' | 'every',
  by: Exchange['closeAskedBy'] | readonly Exchange['closeAskedBy'][],
): Expectation => {
  const wanted = typeof by === 'string' ? [by] : by;
  const sides = (one: Exchange['closeAskedBy']): string =>
    one === 'none' ? 'nobody' : one === 'both' ? 'both sides' : `the ${one}`;
  const words = `${wanted.map(sides).join(' or ')} asked for the close`;
  return ofExchange(choice, number, words, ({ closeAskedBy }) => ({
    met: wanted.includes(closeAskedBy),
    showed: `${sides(closeAskedBy)} asked for it`,
  }));
};

/** A count of the connection's TCP, of one side. */
export const tcpCount = (
  choice: Choice,
  name: 'keepAliveProbes' | 'keepAliveAnswers' | 'retransmissions' | 'resets' | 'fins',
  from: Side,
  least: number,
  most = Number.POSITIVE_INFINITY,
): Expectation => {
  const what = countWords[name];
  const range = most === least ? `${least}` : most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
  return ofEach(choice, `${range} ${what} from the ${from}`, ({ tcp, marks }) => {
    const count = tcp[name][from];
    const packets = marks.filter((one) => one.from === from && one.kind === countMarks[name]).map(({ packet }) => packet);
    return { met: count >= least && count <= most, showed: `${count}`, packets: packets.slice(0, packetLimit) };
  });
};

const countWords = {
  keepAliveProbes: 'keep-alive probes',
  keepAliveAnswers: 'answers to keep-alive probes',
  retransmissions: 'retransmissions',
  resets: 'RST',
  fins: 'FIN',
} as const;
const countMarks = {
  keepAliveProbes: 'keep-alive-probe',
  keepAliveAnswers: 'keep-alive-answer',
  retransmissions: 'retransmission',
  resets: 'reset',
  fins: 'fin',
} as const;

/** So many whole exchanges with status 200 over all chosen connections. */
export const exchangesTogether = (choice: Choice, count: number): Expectation => ({
  words: `${choice.words}: ${formatCounted(count, 'exchange')} together, whole, status 200`,
  rests: 'bytes',
  judge: (evidence) => {
    const all = choice.of(evidence).flatMap((connection) => connection.exchanges);
    const whole = all.filter((one) => one.complete && one.status === 200);
    return {
      met: whole.length === count && all.length === count,
      showed: `${whole.length}${all.length > whole.length ? ` of ${all.length}` : ''}`,
      packets: whole.map(({ requestAt }) => requestAt.packet).slice(0, packetLimit),
    };
  },
});

/** Requests that got no answer, over all chosen connections. */
export const lostRequests = (choice: Choice, count: number): Expectation => ({
  words: `${choice.words}: ${count === 0 ? 'no request stays' : count === 1 ? 'one request stays' : `${count} requests stay`} without an answer`,
  rests: 'bytes',
  judge: (evidence) => {
    const chosen = choice.of(evidence);
    const lost = chosen.flatMap((connection) => connection.exchanges).filter(({ status }) => status === null);
    return {
      met: chosen.length > 0 && lost.length === count,
      showed: chosen.length === 0 ? 'there is no such connection' : `${lost.length}`,
      packets: lost.map(({ requestAt }) => requestAt.packet).slice(0, packetLimit),
    };
  },
});

/** Whom most of the time from requests to responses was spent waiting for. */
export const waitedMost = (choice: Choice, on: 'client' | 'server' | 'network'): Expectation => ({
  words: `${choice.words}: most of the waiting is for the ${on}`,
  rests: 'packets',
  judge: (evidence) => {
    const sum = { client: 0, server: 0, network: 0 };
    for (const { waited } of choice.of(evidence).flatMap((connection) => connection.exchanges))
      for (const who of ['client', 'server', 'network'] as const) sum[who] += waited[who];
    const others = (['client', 'server', 'network'] as const).filter((who) => who !== on);
    return {
      met: others.every((who) => sum[on] > sum[who]),
      showed: `network ${formatDuration(sum.network)}, server ${formatDuration(sum.server)}, client ${formatDuration(sum.client)}`,
      packets: [],
    };
  },
});

/** The observer's own rule fires. */
export const finding = (rule: string): Expectation =>
  ofAll(`the diagnosis says ${rule}`, ({ findings }) => {
    const found = findings.find((one) => one.rule === rule);
    return {
      met: found !== undefined,
      showed: found?.title ?? (findings.length === 0 ? 'no finding' : `only ${findings.map((one) => one.rule).join(', ')}`),
      packets: (found?.packets ?? []).slice(0, packetLimit),
    };
  });

/** What the kernel's table of sockets counted. */
export const countedInKernel = (state: SocketState, of: Side, least: number, most = least): Expectation =>
  ofAll(
    `${countName(state, of)} in the kernel's table of sockets: ${least === most ? least : `${least} to ${most}`}`,
    ({ counted }) => {
      const count = counted.get(countName(state, of));
      return {
        met: count !== undefined && count >= least && count <= most,
        showed: count === undefined ? 'it was not counted' : `${count}`,
        packets: [],
      };
    },
    'kernel',
  );

/** From the first SYN to the last byte of the last response, over the connections of one load; the fastest of several loads counts. */
export function loadTook(loads: readonly Choice[], ms: number, share: number, formula: string): Expectation {
  const fastest = loads.length === 1 ? '' : `, the fastest of ${loads.length} loads`;
  return {
    words: `${loads[0]!.words}: from the first SYN to the last byte ${formatDuration(ms * 1e6)} (${formula}), within ${share * 100} %${fastest}`,
    rests: 'link',
    judge: (evidence) => {
      const took = loads.flatMap((load) => durationOf(load.of(evidence)) ?? []).sort((a, b) => a.ms - b.ms)[0];
      if (took === undefined) return { met: false, showed: 'there is no such connection', packets: [] };
      return {
        met: Math.abs(took.ms - ms) <= share * ms,
        showed: `${formatDuration(took.ms * 1e6)}, ${((took.ms / ms - 1) * 100).toFixed(1)} %`,
        packets: took.packets,
      };
    },
  };
}

function durationOf(connections: readonly Connection[]): { readonly ms: number; readonly packets: readonly number[] } | null {
  const ends = connections.flatMap(({ exchanges: all }) => all.flatMap(({ responseEnd }) => responseEnd ?? []));
  if (ends.length === 0) return null;
  const first = connections.reduce((one, other) => (other.opened.atNs < one.opened.atNs ? other : one)).opened;
  const last = ends.reduce((one, other) => (other.atNs > one.atNs ? other : one));
  return { ms: (last.atNs - first.atNs) / 1e6, packets: [first.packet, last.packet] };
}

/** The sum over the chosen connections. */
export const together = (
  choice: Choice,
  words: string,
  count: (connection: Connection) => number,
  wanted: (sum: number) => boolean,
): Expectation => ({
  words: `${choice === each ? 'all connections' : choice.words}: ${words}`,
  rests: 'packets',
  judge: (evidence) => {
    const sum = choice.of(evidence).reduce((before, connection) => before + count(connection), 0);
    return { met: wanted(sum), showed: `${sum}`, packets: [] };
  },
});
