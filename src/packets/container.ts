/**
 * What kind of file the first bytes announce. Compressed containers are only named: this layer has no decompressor, whoever
 * opened the file has. Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng, RFC 1761 (snoop), RFC 1952, RFC 8878.
 */

export type Container = 'gzip' | 'zstd' | 'pcap' | 'pcapng' | 'snoop' | 'text' | 'unknown';

/** So many first bytes decide; fewer do when the file is shorter. */
export const sniffByteCount = 64;

/** Magic numbers of classic pcap as a reader of the same byte order sees them. */
export const PcapMagic = {
  microseconds: 0xa1b2c3d4,
  nanoseconds: 0xa1b23c4d,
  /** Alexey Kuznetzov's patched libpcap (old Red Hat): longer record headers. */
  kuznetzov: 0xa1b2cd34,
  /** Other patched libpcaps, named in libpcap's source; read like the plain form. */
  mesquita: 0xa1b234cd,
  navtel: 0xa12b3c4d,
  /** Ixia's lcap in hardware and software: nanoseconds, four more bytes in the file header. */
  ixiaHardware: 0x1c0001ac,
  ixiaSoftware: 0x1c0001ab,
} as const;

const pcapMagics: ReadonlySet<number> = new Set(Object.values(PcapMagic));
const pcapngSectionHeader = 0x0a0d0d0a;
const zstdMagic = 0xfd2fb528;

export function sniffContainer(firstBytes: Uint8Array): Container {
  const [a = 0, b = 0, c = 0, d = 0] = firstBytes;
  if (firstBytes.length >= 2 && a === 0x1f && b === 0x8b) return 'gzip';
  if (firstBytes.length >= 4) {
    const big = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
    const little = ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
    if (pcapMagics.has(big) || pcapMagics.has(little)) return 'pcap';
    if (big === pcapngSectionHeader) return 'pcapng';
    if (little === zstdMagic || (little & 0xfffffff0) >>> 0 === 0x184d2a50) return 'zstd';
    if (String.fromCharCode(...firstBytes.subarray(0, 8)) === 'snoop\0\0\0') return 'snoop';
  }
  return isText(firstBytes.subarray(0, sniffByteCount)) ? 'text' : 'unknown';
}

function isText(bytes: Uint8Array): boolean {
  return bytes.length > 0 && bytes.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
}
