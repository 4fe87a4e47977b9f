/**
 * The captures that the rules are tested with: of what software, what was done, and what is to be found. For each rule one case that
 * fires it and one near miss that must not; `scripts/record-rule-captures.ts` recorded them, and records them again.
 *
 * All of them are real software on real TCP, most on the loopback device (tcpdump, every byte). "Link": two network namespaces
 * joined by a TUN device that holds each packet for half the round trip named, loses all of them on demand, and forges resets.
 */
import type { FindingLevel } from 'holdfast/story';

/** The versions of the recordings; the system was Linux 6.18. */
export const versions = {
  nginx: '1.22.1',
  HAProxy: '2.6.12',
  Go: '1.19.8 (net/http)',
  Node: '20.20.2 (node:http)',
  undici: '7.30.2',
  curl: '7.88.1',
  Python: '3.11.7 (http.client)',
  socket: 'node:net of Node 20.20.2, which sends bytes by hand',
  tcpdump: '4.99.3',
} as const;

type Software = keyof typeof versions;

interface Expected {
  readonly rule: string;
  readonly level: FindingLevel;
  /** Numbers of the connections named; left out where the finding is about a server or client as a whole. */
  readonly connections?: readonly number[];
}

export interface Case {
  /** Folder (the rule) and file name, without `.pcap.gz`. */
  readonly capture: `${string}/${'fires' | 'near-miss'}${string}`;
  readonly client: Software;
  readonly server: readonly Software[];
  readonly did: string;
  /** Findings of the folder's rule and every bad finding. Nothing else that is bad may be found, nor anything of the rule. */
  readonly expects: readonly Expected[];
}

export const bad = (rule: string, ...connections: number[]): Expected => ({ rule, level: 'bad', connections });
export const warning = (rule: string, ...connections: number[]): Expected => ({ rule, level: 'warning', connections });
export const info = (rule: string, ...connections: number[]): Expected => ({ rule, level: 'info', connections });
export const good = (rule: string, ...connections: number[]): Expected => ({ rule, level: 'good', connections });
export const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
