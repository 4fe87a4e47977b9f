/** IP addresses and networks as people write them (`10.0.0.0/8`, `2001:db8::/32`), for choosing connections. */

export interface IpNetwork {
  readonly family: 4 | 6;
  readonly bits: bigint;
  readonly prefix: number;
}

/** Whether an address (dotted decimal or RFC 5952) lies in the network. */
export const inNetwork = (address: string, { family, bits, prefix }: IpNetwork): boolean => {
  if (address.includes(':') !== (family === 6)) return false;
  const other = parseAddress(address);
  const shift = BigInt((family === 6 ? 128 : 32) - prefix);
  return other !== null && other.bits >> shift === bits >> shift;
};

export const isLoopback = (address: string): boolean => address.startsWith('127.') || address === '::1';

/** `address` or `address/prefix`; null when it is neither. */
export function parseNetwork(text: string): IpNetwork | null {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = match === null ? null : parseAddress(match[1]!);
  if (match === null || address === null) return null;
  const width = address.family === 6 ? 128 : 32;
  const prefix = match[2] === undefined ? width : Number(match[2]);
  return prefix > width ? null : { ...address, prefix };
}

function parseAddress(text: string): { family: 4 | 6; bits: bigint } | null {
  const four = parseIpv4(text);
  if (four !== null) return { family: 4, bits: four };
  const six = parseIpv6(text);
  return six === null ? null : { family: 6, bits: six };
}

function parseIpv4(text: string): bigint | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const parts = text.split('.').map(Number);
  return parts.some((part) => part > 255) ? null : parts.reduce((bits, part) => bits * 256n + BigInt(part), 0n);
}

/** RFC 4291 §2.2: groups of 16 bits, one `::`, the last 32 bits possibly dotted. A zone (`%eth0`) is left aside. */
function parseIpv6(text: string): bigint | null {
  let source = text.replace(/%.*$/, '');
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(source);
  if (dotted !== null) {
    const four = parseIpv4(dotted[2]!);
    if (four === null) return null;
    source = `${dotted[1]}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  }
  if (!source.includes(':') || source.split('::').length > 2) return null;
  const [head = '', tail] = source.split('::');
  const groups = (part: string | undefined): string[] => (part === undefined || part === '' ? [] : part.split(':'));
  const missing = 8 - groups(head).length - groups(tail).length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  const all = [...groups(head), ...Array<string>(Math.max(0, missing)).fill('0'), ...groups(tail)];
  if (!all.every((group) => /^[\da-f]{1,4}$/i.test(group))) return null;
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}
