/**
 * Each bad finding in captures that other people made, with its proof: what the packets show. The test next to this fails on any
 * bad finding that is not here, and on any row that no longer comes true.
 *
 * These captures are the test material of other projects, so some of them hold what was broken on purpose.
 */

export interface KnownBad {
  readonly file: string;
  readonly rule: string;
  readonly connections: readonly number[];
  readonly proof: string;
}

const evader = (number: string, proof: string): KnownBad => ({
  file: `suricata-verify/tests/http-evader/http-evader-${number}/input.pcap`,
  rule: 'framing-desync',
  connections: [0],
  proof: `a response made to be read in two ways: ${proof}`,
});

const notChunks = 'it says chunked and sends its 68 bytes without chunks';

export const knownBad: readonly KnownBad[] = [
  {
    file: 'suricata-verify/tests/tls/tls-subjectaltname/input.pcap',
    rule: 'no-answer',
    connections: [2],
    proof: 'SYNs at 0, 3 and 9 s without any answer, while other connections to the same port were served',
  },
  {
    file: 'suricata-verify/tests/base64-decode-5885/input.pcap',
    rule: 'no-answer',
    connections: [8, 10, 15],
    proof: 'SYNs at 0, 3 and 9 s without any answer on each, while other connections to the same port were served',
  },
  {
    file: 'suricata-verify/tests/bug-28/input.pcap',
    rule: 'path-lost',
    connections: [0],
    proof: 'the request was sent six times in 93 s (packets 4 to 9), and no packet of the server followed its SYN-ACK',
  },
  {
    file: 'suricata-verify/tests/firewall/ruletype-firewall-31-retrans-of-drop/input.pcap',
    rule: 'closed-without-answer',
    connections: [0],
    proof: 'the server’s reset in packet 9 is its only packet behind the request',
  },
  {
    file: 'suricata-verify/tests/tcp-rst-unacked-stream-05-http-nogap/input.pcap',
    rule: 'closed-without-answer',
    connections: [0],
    proof: 'the server’s reset in packet 8 is its answer to the request',
  },
  {
    file: 'suricata-verify/tests/engine-state/detect-engine-state-04/input.pcap',
    rule: 'closed-without-answer',
    connections: [0],
    proof: 'the server’s FIN in packet 12 has sequence number 1: not a byte was sent before it, while the upload was coming',
  },
  {
    file: 'zeek/testing/btest/Traces/http/content-length-overflow.pcap',
    rule: 'response-cut',
    connections: [0],
    proof: 'Content-Length 2200000000, 100 bytes, FIN in packet 8',
  },
  {
    file: 'zeek/testing/btest/Traces/http/http-11-request-then-cruft.pcap',
    rule: 'framing-desync',
    connections: [0],
    proof: 'behind a whole request the client sends 40 bytes that are no request (packet 20)',
  },
  evader('019', 'empty lines stand between the chunks'),
  evader('021', 'chunk sizes begin with a full stop'),
  evader('022', 'chunk sizes begin with a form feed'),
  evader('045', `${notChunks}, in HTTP/1.0`),
  evader('052', `${notChunks}, with the version 1.01`),
  evader('067', 'Transfer-Encoding is “chunked x”, the 68 bytes come without chunks'),
  evader('068', 'Transfer-Encoding is “x chunked”, the 68 bytes come without chunks'),
  evader('093', 'Transfer-Encoding is “: chunked”, the 68 bytes come without chunks'),
  evader('102', 'a tab stands before the first chunk size'),
  evader('288', `${notChunks}, and has a Content-Length too`),
  evader('476', 'a 204, which has no body, is followed by chunks'),
];
