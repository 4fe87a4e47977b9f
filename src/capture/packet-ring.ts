/**
 * An AF_PACKET socket with a ring of TPACKET_V3 blocks (packet(7), Documentation/networking/packet_mmap.rst), through koffi.
 *
 * Rules
 * - For a worker: `wait` blocks the thread.
 * - Nothing is missed or seen too much: the socket is opened for no protocol, gets its filter and its ring, and is then bound.
 * - Loopback shows each packet twice, going out and coming in; as libpcap does, only the second is kept.
 * - `close` unmaps the ring; no view of its memory may be touched after that.
 *
 *     struct tpacket_req3   block size, block count, frame size, frame count, retire timeout (ms), private size, features: 7 × u32
 *     struct sockaddr_ll    family u16, protocol u16 (network order), interface i32, 12 bytes more
 *     struct ifreq          name 16, then (by request) a number or an address; 40 bytes
 */
import { createRequire } from 'node:module';
import { endianness } from 'node:os';
import { type BpfInstruction, encodeProgram } from './bpf-instruction.js';
import { CaptureError } from './capture-error.js';

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_ERROR = 4;
const SO_ATTACH_FILTER = 26;
const SOL_PACKET = 263;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_VERSION = 10;
const PACKET_RESERVE = 12;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_PROMISC = 1;
const TPACKET_V3 = 2;
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const IFF_UP = 1;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_POPULATE = 0x8000;
const POLLIN = 1;
const POLLERR = 8;
const mapFailed = 0xffff_ffff_ffff_ffffn;

const EPERM = 1;
const EINTR = 4;
const ENOMEM = 12;
const EACCES = 13;
const ENODEV = 19;
const EINVAL = 22;
const ENETDOWN = 100;

/** So that the bytes behind an Ethernet header's 14 begin at a multiple of four, as ring-block.ts likes it. */
const ethernetReserve = 2;
const frameByteCount = 2048;
const interfaceNameLimit = 15;

type Call = (...values: unknown[]) => number;

interface Library {
  readonly socket: Call;
  readonly setsockopt: Call;
  readonly getsockopt: Call;
  readonly bind: Call;
  readonly ioctl: Call;
  readonly poll: Call;
  readonly close: Call;
  readonly munmap: (address: unknown, byteCount: number) => number;
  readonly mmap: (...values: unknown[]) => unknown;
  readonly eventfd: Call;
  readonly address: (pointer: unknown) => bigint;
  readonly view: (pointer: unknown, byteCount: number) => ArrayBuffer;
  readonly errno: () => number;
}

let loaded: Library | null = null;

/** Throws CaptureError (`not-supported`, `missing-program`) where there is no ring. */
function library(): Library {
  if (process.platform !== 'linux' || endianness() !== 'LE')
    throw new CaptureError('not-supported', 'a packet ring needs Linux on a little-endian machine');
  loaded ??= load();
  return loaded;
}

function load(): Library {
  try {
    const koffi = createRequire(import.meta.url)('koffi');
    // Also musl's: the process has it loaded under this name or as the program itself.
    const libc = koffi.load(null);
    return {
      socket: libc.func('int socket(int domain, int type, int protocol)'),
      setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, uint32_t length)'),
      getsockopt: libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)'),
      bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
      ioctl: libc.func('int ioctl(int fd, unsigned long request, void *value)'),
      poll: libc.func('int poll(void *fds, unsigned long count, int timeout)'),
      close: libc.func('int close(int fd)'),
      munmap: libc.func('int munmap(void *address, size_t length)'),
      mmap: libc.func('void *mmap(void *address, size_t length, int protection, int flags, int fd, int64_t offset)'),
      eventfd: libc.func('int eventfd(unsigned int value, int flags)'),
      address: (pointer) => koffi.address(pointer),
      view: (pointer, byteCount) => koffi.view(pointer, byteCount),
      errno: () => koffi.errno(),
    };
  } catch (cause) {
    throw new CaptureError('missing-program', 'the package koffi, through which the kernel is asked, cannot be loaded', {
      cause,
    });
  }
}

/** What kind of link an interface is, and so what a packet of it begins with. */
export interface InterfaceFacts {
  readonly name: string;
  /** 0: all of them. */
  readonly index: number;
  /** tcpdump.org's LINKTYPE_. */
  readonly linkType: number;
  readonly cooked: boolean;
  readonly loopback: boolean;
}

export const LinkType = { ethernet: 1, rawIp: 101, cooked2: 276 } as const;

const ArpHardware = { ethernet: 1, rawIp: 519, loopback: 772, none: 0xfffe } as const;

/** A socket that is not bound yet: it sees nothing, but the kernel answers questions through it. */
export class PacketSocket {
  readonly #library = library();
  #fd: number;
  #mapped: { readonly address: unknown; readonly byteCount: number } | null = null;
  readonly #polled = new Int32Array(4);
  readonly #statistics = new Uint32Array(3);
  readonly #length = new Uint32Array(1);

  constructor() {
    this.#fd = this.#open(SOCK_RAW);
  }

  #open(type: number): number {
    const fd = this.#library.socket(AF_PACKET, type | SOCK_CLOEXEC, 0);
    if (fd >= 0) return fd;
    const errno = this.#library.errno();
    if (errno === EPERM || errno === EACCES) throw new CaptureError('not-permitted', 'no right to capture (CAP_NET_RAW)');
    throw new CaptureError('not-supported', `this kernel gives no packet sockets (errno ${errno})`);
  }

  /** Throws CaptureError `no-interface` or `interface-down`. */
  interfaceFacts(name: string): InterfaceFacts {
    if (name === 'any') return { name, index: 0, linkType: LinkType.cooked2, cooked: true, loopback: false };
    const index = this.#askInterface(name, SIOCGIFINDEX).getInt32(16, true);
    if ((this.#askInterface(name, SIOCGIFFLAGS).getInt16(16, true) & IFF_UP) === 0)
      throw new CaptureError('interface-down', `the interface ${name} is down`, { wayOut: `ip link set ${name} up` });
    const hardware = this.#askInterface(name, SIOCGIFHWADDR).getUint16(16, true);
    const facts = { name, index, loopback: hardware === ArpHardware.loopback };
    if (hardware === ArpHardware.ethernet || facts.loopback) return { ...facts, linkType: LinkType.ethernet, cooked: false };
    if (hardware === ArpHardware.none || hardware === ArpHardware.rawIp)
      return { ...facts, linkType: LinkType.rawIp, cooked: false };
    return { ...facts, linkType: LinkType.cooked2, cooked: true };
  }

  /** The number of the loopback interface, 0 when there is none. */
  loopbackIndex(): number {
    try {
      return this.#askInterface('lo', SIOCGIFINDEX).getInt32(16, true);
    } catch {
      return 0;
    }
  }

  #askInterface(name: string, request: number): DataView {
    const asked = Buffer.alloc(40);
    const written = asked.write(name, 0, interfaceNameLimit, 'utf8');
    const fits = written === Buffer.byteLength(name);
    if (!fits || this.#library.ioctl(this.#fd, request, asked) !== 0)
      throw new CaptureError('no-interface', `there is no interface ${name}`);
    return new DataView(asked.buffer, asked.byteOffset, asked.length);
  }

  /** For cooked packets the kernel takes the link's header off. Before anything else is set. */
  useCooked(): void {
    this.#library.close(this.#fd);
    this.#fd = this.#open(SOCK_DGRAM);
  }

  attachFilter(program: readonly BpfInstruction[]): void {
    const code = encodeProgram(program);
    // struct sock_fprog: length u16, six bytes of padding, pointer.
    const named = Buffer.alloc(16);
    named.writeUInt16LE(program.length, 0);
    named.writeBigUInt64LE(BigInt(this.#library.address(code)), 8);
    const done = this.#library.setsockopt(this.#fd, SOL_SOCKET, SO_ATTACH_FILTER, named, named.length);
    if (done === 0) return;
    const errno = this.#library.errno();
    if (errno === ENOMEM || errno === EINVAL)
      throw new CaptureError('bad-filter', `the kernel does not take the filter (${program.length} instructions)`, {
        wayOut: 'A shorter filter: networks instead of hosts, a range instead of ports.',
      });
    throw new CaptureError('failed', `the filter cannot be set (errno ${errno})`);
  }

  /** Spares the copy of each outgoing packet; the filter leaves them out in any case. Since Linux 4.20. */
  ignoreOutgoing(): void {
    this.#set(PACKET_IGNORE_OUTGOING, Int32Array.of(1));
  }

  /** Makes the ring and maps it. Throws CaptureError when the kernel has no memory for it. */
  map(blockByteCount: number, blockCount: number, retireMs: number, facts: InterfaceFacts): ArrayBuffer {
    if (!this.#set(PACKET_VERSION, Int32Array.of(TPACKET_V3)))
      throw new CaptureError('not-supported', 'this kernel has no TPACKET_V3 (Linux 3.2)');
    if (facts.linkType === LinkType.ethernet) this.#set(PACKET_RESERVE, Uint32Array.of(ethernetReserve));
    const byteCount = blockByteCount * blockCount;
    const frames = byteCount / frameByteCount;
    const asked = Uint32Array.of(blockByteCount, blockCount, frameByteCount, frames, retireMs, 0, 0);
    const noRoom = `the kernel has no ${byteCount / 1024 / 1024} MiB for the packet buffer`;
    if (!this.#set(PACKET_RX_RING, asked)) throw new CaptureError('failed', noRoom, { wayOut: 'A smaller --buffer.' });
    const address = this.#library.mmap(null, byteCount, PROT_READ_WRITE, MAP_SHARED | MAP_POPULATE, this.#fd, 0);
    if (address === null || BigInt(this.#library.address(address)) === mapFailed) throw new CaptureError('failed', noRoom);
    this.#mapped = { address, byteCount };
    return this.#library.view(address, byteCount);
  }

  /** From here on packets come. */
  bind(index: number, promiscuous: boolean): void {
    const address = Buffer.alloc(20);
    address.writeUInt16LE(AF_PACKET, 0);
    address.writeUInt16BE(ETH_P_ALL, 2);
    address.writeInt32LE(index, 4);
    if (this.#library.bind(this.#fd, address, address.length) !== 0) {
      const errno = this.#library.errno();
      if (errno === ENODEV) throw new CaptureError('no-interface', 'the interface went away');
      if (errno === ENETDOWN) throw new CaptureError('interface-down', 'the interface is down');
      throw new CaptureError('failed', `the interface cannot be listened to (errno ${errno})`);
    }
    if (promiscuous && index !== 0) {
      const membership = Buffer.alloc(16);
      membership.writeInt32LE(index, 0);
      membership.writeUInt16LE(PACKET_MR_PROMISC, 4);
      this.#set(PACKET_ADD_MEMBERSHIP, membership);
    }
  }

  /** A descriptor that ends `wait` when eight bytes are written to it. Whoever takes it closes it. */
  makeWaker(): number {
    const fd = this.#library.eventfd(0, SOCK_CLOEXEC);
    if (fd < 0) throw new CaptureError('failed', `no event descriptor (errno ${this.#library.errno()})`);
    this.#polled[2] = fd;
    this.#polled[3] = POLLIN;
    return fd;
  }

  /** Waits for a block, the waker or an error. */
  wait(timeoutMs: number): 'ready' | 'woken' | 'nothing' | 'failed' {
    const polled = this.#polled;
    polled[0] = this.#fd;
    polled[1] = POLLIN | POLLERR;
    polled[3] = POLLIN;
    const count = this.#library.poll(polled, 2, timeoutMs);
    if (count < 0) return this.#library.errno() === EINTR ? 'nothing' : 'failed';
    const events = polled[1]! >>> 16;
    if ((events & POLLERR) !== 0) return 'failed';
    if (events !== 0) return 'ready';
    if (count === 0) return 'nothing';
    // Once: nobody reads it empty.
    polled[2] = -1;
    return 'woken';
  }

  /** Why `wait` failed: reading it clears it. */
  failure(name: string): CaptureError {
    const error = new Int32Array(1);
    this.#length[0] = 4;
    this.#library.getsockopt(this.#fd, SOL_SOCKET, SO_ERROR, error, this.#length);
    if (error[0] !== ENETDOWN && error[0] !== ENODEV)
      return new CaptureError('failed', `reading from ${name} failed (errno ${error[0]})`);
    const there = this.#library.ioctl(this.#fd, SIOCGIFINDEX, Buffer.concat([Buffer.from(name), Buffer.alloc(40)], 40)) === 0;
    return new CaptureError('interface-down', there ? `the interface ${name} went down` : `the interface ${name} went away`);
  }

  /** Packets that passed the filter, and those of them for which the ring had no room, since the last call. */
  newCounts(): { readonly received: number; readonly dropped: number } {
    this.#length[0] = 12;
    const done = this.#library.getsockopt(this.#fd, SOL_PACKET, PACKET_STATISTICS, this.#statistics, this.#length);
    return done === 0 ? { received: this.#statistics[0]!, dropped: this.#statistics[1]! } : { received: 0, dropped: 0 };
  }

  close(): void {
    if (this.#mapped !== null) this.#library.munmap(this.#mapped.address, this.#mapped.byteCount);
    this.#mapped = null;
    this.#library.close(this.#fd);
  }

  #set(name: number, value: Uint8Array | Int32Array | Uint32Array): boolean {
    return this.#library.setsockopt(this.#fd, SOL_PACKET, name, value, value.byteLength) === 0;
  }
}
