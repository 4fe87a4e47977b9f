/** Filter expressions made by chance from the grammar; the same seed makes the same ones. */

/** Marsaglia's xorshift: 32 bits are plenty for choosing words. */
function chance(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const addresses = ['10.0.0.1', '192.168.1.1', '127.0.0.1', '224.0.0.251', '172.16.0.1', '255.255.255.255'];
const networks = ['10.0.0.0/8', '192.168.0.0/16', '172.16.0.0/12', '224.0.0.0/4', '10', '192.168.1'];
const addresses6 = ['::1', 'fe80::1', 'ff02::1', 'ff02::fb', '2001:db8::1'];
const networks6 = ['fe80::/10', 'ff00::/8', '2001:db8::/32', '::/0'];
const ports = ['80', '53', '443', '22', '8080', '5353', '0', '65535'];
const ranges = ['1-1023', '80-90', '1024-65535', '53-53'];
const names = ['ip', 'ip6', 'tcp', 'udp', 'icmp', 'icmp6', 'arp', 'sctp'];
const directions = ['', '', '', 'src ', 'dst ', 'src or dst ', 'src and dst '];
const relations = ['=', '!=', '>', '<', '>=', '<='];
const loads = [
  'tcp[13]',
  'tcp[0:2]',
  'tcp[2:2]',
  'ip[8]',
  'ip[2:2]',
  'ip[6:2]',
  'ip6[6]',
  'udp[4:2]',
  'icmp[0]',
  'ether[12:2]',
  'len',
];
const operators = ['&', '|', '+', '-', '*', '<<', '>>'];

export function* randomFilters(count: number, seed: number): Iterable<string> {
  const roll = chance(seed);
  const one = (list: readonly string[]): string => list[roll(list.length)]!;

  const calculated = (depth: number): string => {
    if (depth === 0 || roll(3) === 0) return roll(4) === 0 ? String(roll(70)) : one(loads);
    if (roll(8) === 0) return `tcp[(${calculated(0)}) & 31]`;
    const operator = one(operators);
    const right = operator === '<<' || operator === '>>' ? String(roll(9)) : calculated(depth - 1);
    return `(${calculated(depth - 1)} ${operator} ${right})`;
  };

  /** A qualifier with one value, or with several. */
  const qualified = (qualifier: string, values: readonly string[]): string => {
    const several = (): string =>
      Array.from({ length: 2 + roll(2) }, () => (roll(6) === 0 ? 'not ' : '') + one(values)).join(joint());
    const form = roll(4);
    if (form === 0) return `${qualifier} (${several()})`;
    return form === 1 ? `${qualifier} ${several()}` : `${qualifier} ${one(values)}`;
  };
  const joint = (): string => one([' or ', ' or ', ' and ', ' || ', ' && ']);

  const primitive = (): string => {
    switch (roll(8)) {
      case 0:
        return one(names);
      case 1:
        return qualified(`${one(['', '', 'ip ', 'arp '])}${one(directions)}host`, addresses);
      case 2:
        return qualified(`${one(directions)}net`, networks);
      case 3:
        return qualified(`${one(['', 'ip6 '])}${one(directions)}${roll(2) === 0 ? 'host' : 'net'}`, addresses6);
      case 4:
        return qualified(`${one(directions)}net`, networks6);
      case 5:
        return qualified(`${one(['', 'tcp ', 'udp '])}${one(directions)}port`, ports);
      case 6:
        return qualified(`${one(['', 'tcp ', 'udp '])}${one(directions)}portrange`, ranges);
      default:
        return `${calculated(2)} ${one(relations)} ${roll(2) === 0 ? String(roll(300)) : calculated(1)}`;
    }
  };

  const expression = (depth: number): string => {
    if (depth === 0 || roll(3) === 0) return `${roll(5) === 0 ? 'not ' : ''}${primitive()}`;
    const inner = `${expression(depth - 1)}${joint()}${expression(depth - 1)}`;
    return roll(3) === 0 ? `${roll(3) === 0 ? 'not ' : ''}(${inner})` : inner;
  };

  for (let made = 0; made < count; made++) yield expression(1 + roll(3));
}
