/**
 * The TUN device of the link (Linux; linux/if_tun.h): made, given its address and brought up by ioctl through koffi, so that no
 * program is needed; then read, written and waited for. Used by the link's thread alone, in a network namespace of its own.
 *
 *     struct ifreq (40 bytes)    0  char[16]      name of the interface
 *                               16  u16 flags | struct sockaddr_in { u16 family, u16 port, u8[4] address } | i32 value
 */
import { createRequire } from 'node:module';
import { CaptureError } from './capture-error.js';

const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_UP = 0x0001;
const TUNSETIFF = 0x400454ca;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const SIOCGIFINDEX = 0x8933;
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const RTM_SETLINK = 19;
const NLM_F_REQUEST = 1;
const IFLA_TXQLEN = 13;
const POLLIN = 1;
const PR_SET_PDEATHSIG = 1;
const PR_SET_TIMERSLACK = 29;
const SIGTERM = 15;
const SCHED_RR = 2;
const EAGAIN = 11;
const EPERM = 1;
const EACCES = 13;
const ENOENT = 2;
const ENODEV = 19;

/** Packets that wait in the device for the link's thread. */
const deviceQueuePackets = 10_000;
/** Longest packet that the device hands out. */
const packetByteLimit = 65_536;

type SystemCall = (...values: unknown[]) => number;

interface Koffi {
  load(library: string): { func(declaration: string): SystemCall };
  errno(): number;
}

interface Kernel {
  readonly errno: () => number;
  readonly open: SystemCall;
  readonly close: SystemCall;
  readonly socket: SystemCall;
  readonly ioctl: SystemCall;
  readonly read: SystemCall;
  readonly write: SystemCall;
  readonly ppoll: SystemCall;
  readonly prctl: SystemCall;
  readonly schedule: SystemCall;
}

let loaded: Kernel | null = null;

function kernel(): Kernel {
  loaded ??= loadKernel();
  return loaded;
}

function loadKernel(): Kernel {
  if (process.platform !== 'linux') {
    throw new CaptureError('not-supported', 'the link needs Linux: network namespaces and a TUN device', {
      wayOut: 'Run it in a Linux virtual machine or container.',
    });
  }
  try {
    const koffi: Koffi = createRequire(import.meta.url)('koffi');
    const libc = koffi.load('libc.so.6');
    return {
      errno: () => koffi.errno(),
      open: libc.func('int open(const char *path, int flags)'),
      close: libc.func('int close(int fd)'),
      socket: libc.func('int socket(int domain, int type, int protocol)'),
      ioctl: libc.func('int ioctl(int fd, unsigned long request, void *value)'),
      read: libc.func('long read(int fd, void *buffer, size_t length)'),
      write: libc.func('long write(int fd, void *buffer, size_t length)'),
      ppoll: libc.func('int ppoll(void *fds, unsigned long count, void *timeout, void *mask)'),
      schedule: libc.func('int sched_setscheduler(int thread, int policy, const void *parameters)'),
      prctl: libc.func('int prctl(int option, unsigned long value, unsigned long a, unsigned long b, unsigned long c)'),
    };
  } catch (cause) {
    throw new CaptureError('missing-program', 'the link needs the package koffi, which could not be loaded', {
      wayOut: 'npm install koffi',
      cause,
    });
  }
}

/** Calls through and throws what went wrong, by name. */
function check(result: number, what: string): number {
  if (result >= 0) return result;
  const errno = kernel().errno();
  if (errno === EPERM || errno === EACCES) {
    throw new CaptureError('not-permitted', `the kernel does not permit ${what} (errno ${errno})`, {
      wayOut: 'In a container, give it the right NET_ADMIN: docker run --cap-add NET_ADMIN --device /dev/net/tun …',
    });
  }
  if (what.includes('/dev/net/tun') && (errno === ENOENT || errno === ENODEV)) {
    throw new CaptureError('not-supported', 'this machine has no /dev/net/tun', {
      wayOut: 'Load the module with "modprobe tun", or give the container the device: docker run --device /dev/net/tun …',
    });
  }
  throw new CaptureError('failed', `${what} failed (errno ${errno})`);
}

function withControlSocket<Result>(use: (socket: number) => Result): Result {
  const { socket, close } = kernel();
  const control = check(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'a socket');
  try {
    return use(control);
  } finally {
    close(control);
  }
}

function interfaceRequest(name: string): Buffer {
  const request = Buffer.alloc(40);
  request.write(name, 0, 15, 'latin1');
  return request;
}

function bringUp(control: number, name: string): void {
  const { ioctl } = kernel();
  const request = interfaceRequest(name);
  check(ioctl(control, SIOCGIFFLAGS, request), `reading the flags of ${name}`);
  request.writeUInt16LE(request.readUInt16LE(16) | IFF_UP, 16);
  check(ioctl(control, SIOCSIFFLAGS, request), `bringing up ${name}`);
}

/** Brings up `lo` of the present namespace, and has this process end with the one that started it. */
export function furnishNamespace(): void {
  withControlSocket((control) => bringUp(control, 'lo'));
  kernel().prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
}

export interface LinkDevice {
  /** Where `read` puts packets. */
  readonly buffer: Buffer;
  /** Bytes of the next packet; 0: none waits. */
  read(): number;
  /** The first `length` bytes. False: the kernel did not take it. */
  write(packet: Uint8Array, length: number): boolean;
  /** Waits until there is a packet, or so long, at the most a second. */
  wait(nanoseconds: number): void;
  close(): void;
}

/** Makes the device, with `address`/24, and brings it up. Throws CaptureError. */
export function openLinkDevice(name: string, address: string): LinkDevice {
  const { open, close, ioctl, read, write, ppoll, errno } = kernel();
  const fd = check(open('/dev/net/tun', O_RDWR | O_NONBLOCK), 'opening /dev/net/tun');
  try {
    const request = interfaceRequest(name);
    request.writeUInt16LE(IFF_TUN | IFF_NO_PI, 16);
    check(ioctl(fd, TUNSETIFF, request), 'making a TUN device');
    withControlSocket((control) => {
      const set = (what: number, value: Buffer, words: string): void => {
        const request = interfaceRequest(name);
        value.copy(request, 16);
        check(ioctl(control, what, request), words);
      };
      set(SIOCSIFADDR, socketAddress(address), 'setting the address of the device');
      set(SIOCSIFNETMASK, socketAddress('255.255.255.0'), 'setting the netmask of the device');
      check(ioctl(control, SIOCGIFINDEX, request), 'asking for the number of the device');
      lengthenQueue(request.readInt32LE(16));
      bringUp(control, name);
    });
  } catch (error) {
    close(fd);
    throw error;
  }
  bePunctual();
  const buffer = Buffer.alloc(packetByteLimit);
  const waitFor = Int32Array.of(fd, POLLIN);
  // struct timespec: seconds and nanoseconds, of 64 bits each; what is waited for is below four seconds.
  const timeout = new Uint32Array(4);
  return {
    buffer,
    read() {
      const count = read(fd, buffer, buffer.length);
      if (count > 0) return count;
      if (count < 0 && errno() !== EAGAIN) check(count, 'reading from the TUN device');
      return 0;
    },
    write: (packet, length) => write(fd, packet, length) === length,
    wait(nanoseconds) {
      timeout[2] = nanoseconds;
      ppoll(waitFor, 1, timeout, null);
    },
    close: () => close(fd),
  };
}

/**
 * A busy machine shall not add to the delay: the calling thread is woken to the nanosecond and before all ordinary threads. It sleeps
 * whenever nothing is due. Only root may; others wait like everybody.
 */
function bePunctual(): void {
  const { prctl, schedule } = kernel();
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
  schedule(0, SCHED_RR, Int32Array.of(1));
}

/**
 * Room for more packets than the device's 500. By rtnetlink, since the ioctl for it is refused in the namespace of a user without rights. A
 * refusal is no harm: what does not fit is counted as `overrun`.
 *
 *     struct nlmsghdr    u32 length │ u16 type │ u16 flags │ u32 sequence │ u32 port
 *     struct ifinfomsg   u8 family │ u8 │ u16 type │ i32 index │ u32 flags │ u32 change
 *     struct rtattr      u16 length │ u16 type │ u32 value
 */
function lengthenQueue(interfaceIndex: number): void {
  const { socket, write, close } = kernel();
  const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (fd < 0) return;
  const message = Buffer.alloc(40);
  message.writeUInt32LE(message.length, 0);
  message.writeUInt16LE(RTM_SETLINK, 4);
  message.writeUInt16LE(NLM_F_REQUEST, 6);
  message.writeInt32LE(interfaceIndex, 20);
  message.writeUInt16LE(8, 32);
  message.writeUInt16LE(IFLA_TXQLEN, 34);
  message.writeUInt32LE(deviceQueuePackets, 36);
  write(fd, message, message.length);
  close(fd);
}

function socketAddress(address: string): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.set(address.split('.').map(Number), 4);
  return bytes;
}
