/** Which sockets are asked for: places, states and processes, as they are written on the command line. */
import { isIP } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { type SocketState, socketStates, type TcpSocket } from '../base/index.js';
import type { SocketChoice } from '../capture/index.js';
import { escapeName } from '../view/index.js';
import { CommandFailure } from './failure.js';

/** A null means any. */
export interface SocketPlace {
  readonly address: string | null;
  readonly port: number | null;
}

/** `:8080`, `8080`, `10.0.0.5`, `10.0.0.5:5432`, `::1`, `[::1]:80`. */
export function parsePlace(text: string): SocketPlace {
  const address = text.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) !== 0) return { address: canonical(address), port: null };
  const match = /^(?:(.*):)?(\d{1,5})$/.exec(text);
  const host = match?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? '';
  const port = Number(match?.[2]);
  if (match !== null && port <= 65_535 && (host === '' || host === '*' || isIP(host) !== 0))
    return { address: host === '' || host === '*' ? null : canonical(host), port };
  throw new CommandFailure('bad-usage', `${escapeName(text)} is no :PORT, ADDRESS or ADDRESS:PORT (names are not looked up)`);
}

/** RFC 5952, as the table has it. */
const canonical = (address: string): string =>
  address.includes(':') ? new URL(`http://[${address}]/`).hostname.slice(1, -1) : address;

const otherNames: Readonly<Record<string, SocketState>> = {
  ESTAB: 'ESTABLISHED',
  OPEN: 'ESTABLISHED',
  SYN_RECEIVED: 'SYN_RECV',
  FIN_WAIT_1: 'FIN_WAIT1',
  FIN_WAIT_2: 'FIN_WAIT2',
  LISTENING: 'LISTEN',
};

/** `close-wait,time-wait`, in the spellings of ss and netstat. */
export function parseStates(text: string): readonly SocketState[] {
  return text.split(',').map((part) => {
    const name = part.trim().toUpperCase().replaceAll('-', '_');
    const state = otherNames[name] ?? socketStates.find((one) => one === name);
    if (state !== undefined) return state;
    throw new InvalidArgumentError(`There are: ${socketStates.join(', ').toLowerCase().replaceAll('_', '-')}.`);
  });
}

/** The value of --watch; what is no number is a place, as in `--watch :8080`. */
export function parseSeconds(text: string): number | SocketPlace {
  if (!/^\d+(\.\d+)?$/.test(text)) return parsePlace(text);
  const seconds = Number(text);
  if (seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('So many seconds, from 0.1 to 86400.');
}

export interface ChoiceOptions {
  readonly state?: readonly SocketState[];
  readonly process?: readonly string[];
}

export function chooseSockets(places: readonly SocketPlace[], { state, process: names = [] }: ChoiceOptions): SocketChoice {
  const atPlace = ({ local, remote }: TcpSocket): boolean =>
    places.length === 0 ||
    places.some(({ address, port }) =>
      [local, remote].some((end) => (address === null || end.address === address) && (port === null || end.port === port)),
    );
  const ofProcess = ({ owners }: TcpSocket): boolean =>
    names.length === 0 ||
    (owners ?? []).some(({ name, pid }) => names.some((asked) => name.includes(asked) || String(pid) === asked));
  return {
    belongs: (socket) => atPlace(socket) && ofProcess(socket),
    ...(state === undefined ? {} : { isListed: (socket: TcpSocket) => state.includes(socket.state) }),
  };
}
