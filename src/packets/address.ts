/**
 * Addresses as text: IPv4 dotted decimal, IPv6 in the canonical form of RFC 5952 (lower case, the longest run of two or more
 * zero groups shortened, the first of equal runs; IPv4-mapped addresses with the dotted tail, §5).
 */

export function formatIpv4(word: number): string {
  return `${(word >>> 24) & 255}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

export function formatIpv6(word0: number, word1: number, word2: number, word3: number): string {
  if (word0 === 0 && word1 === 0 && word2 === 0xffff) return `::ffff:${formatIpv4(word3)}`;
  const groups: number[] = [];
  for (const word of [word0, word1, word2, word3]) groups.push((word >>> 16) & 0xffff, word & 0xffff);
  let bestStart = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) {
      bestStart = start;
      bestLength = length;
    }
  }
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  if (bestStart < 0) return hex(0, 8);
  return `${hex(0, bestStart)}::${hex(bestStart + bestLength, 8)}`;
}

/** Entries after which the book begins anew: captures of scans have millions of addresses. */
const bookLimit = 4096;

interface LongName {
  readonly word0: number;
  readonly word1: number;
  readonly word2: number;
  readonly name: string;
}

/** Remembers the text of addresses: most captures have few of them, and each connection names two. */
export class AddressBook {
  private readonly names = new Map<number, string>();
  /** IPv6 addresses by their last word, in which those of one network differ; of several with the same one, the newest. */
  private readonly longNames = new Map<number, LongName>();

  /** `word1` to `word3` are of IPv6 alone. */
  name(ipVersion: 4 | 6, word0: number, word1: number, word2: number, word3: number): string {
    if (ipVersion === 6) return this.longName(word0, word1, word2, word3);
    let name = this.names.get(word0);
    if (name === undefined) {
      name = formatIpv4(word0);
      if (this.names.size >= bookLimit) this.names.clear();
      this.names.set(word0, name);
    }
    return name;
  }

  private longName(word0: number, word1: number, word2: number, word3: number): string {
    const known = this.longNames.get(word3);
    if (known !== undefined && known.word0 === word0 && known.word1 === word1 && known.word2 === word2) return known.name;
    const name = formatIpv6(word0, word1, word2, word3);
    if (known === undefined && this.longNames.size >= bookLimit) this.longNames.clear();
    this.longNames.set(word3, { word0, word1, word2, name });
    return name;
  }
}
