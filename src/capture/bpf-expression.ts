/** What a filter expression says, before it is known on which link: the tree that the parser makes and the generator reads. */

export type FilterProtocol =
  | 'link'
  | 'ip'
  | 'ip6'
  | 'arp'
  | 'rarp'
  | 'tcp'
  | 'udp'
  | 'sctp'
  | 'icmp'
  | 'icmp6'
  | 'igmp'
  | 'pim'
  | 'ah'
  | 'esp'
  | 'vrrp';

export type FilterDirection = 'src' | 'dst' | 'either' | 'both';
type FilterAddressType = 'host' | 'net' | 'port' | 'portrange' | 'proto';

/** What stands before a value: `tcp dst port`. */
export interface Qualifiers {
  readonly protocol: FilterProtocol | null;
  readonly direction: FilterDirection;
  /** Null: a host, said without the word. */
  readonly type: FilterAddressType | null;
}

/** 32-bit words: one of IPv4, four of IPv6. */
export interface FilterNetwork {
  readonly words: readonly number[];
  readonly masks: readonly number[];
}

export type Arithmetic =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'length' }
  | { readonly kind: 'negation'; readonly inner: Arithmetic }
  | { readonly kind: 'operation'; readonly operator: ArithmeticOperator; readonly left: Arithmetic; readonly right: Arithmetic }
  | {
      readonly kind: 'load';
      readonly protocol: FilterProtocol;
      readonly offset: Arithmetic;
      readonly size: 1 | 2 | 4;
      readonly position: number;
    };

export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';
export type Relation = '>' | '>=' | '=' | '<' | '<=' | '!=';

/** `position` is where the value stands in the text. */
export type FilterExpression =
  | { readonly kind: 'everything' }
  | { readonly kind: 'and' | 'or'; readonly left: FilterExpression; readonly right: FilterExpression }
  | { readonly kind: 'not'; readonly inner: FilterExpression }
  | { readonly kind: 'protocol'; readonly protocol: FilterProtocol; readonly position: number }
  | { readonly kind: 'network'; readonly qualifiers: Qualifiers; readonly network: FilterNetwork; readonly position: number }
  | { readonly kind: 'mac'; readonly qualifiers: Qualifiers; readonly bytes: readonly number[]; readonly position: number }
  | {
      readonly kind: 'ports';
      readonly qualifiers: Qualifiers;
      readonly from: number;
      readonly to: number;
      /** Protocols that a service's name stands for. Null: those of the qualifiers. */
      readonly service: readonly FilterProtocol[] | null;
      readonly position: number;
    }
  | { readonly kind: 'proto'; readonly qualifiers: Qualifiers; readonly number: number; readonly position: number }
  | {
      readonly kind: 'group-address';
      readonly address: 'broadcast' | 'multicast';
      readonly protocol: FilterProtocol | null;
      readonly position: number;
    }
  | { readonly kind: 'relation'; readonly relation: Relation; readonly left: Arithmetic; readonly right: Arithmetic };
