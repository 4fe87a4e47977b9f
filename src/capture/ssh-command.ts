/**
 * tcpdump on another host, over ssh, as one command line for whatever login shell is there.
 *
 * Rules
 * - The ssh connection itself is left out of the capture: each packet captured would make the next one. The remote side knows its
 *   connection as $SSH_CONNECTION (address and port of the client, address and port of the server).
 * - When our side closes standard input, tcpdump there is told to end: nothing keeps running, and its counts arrive.
 * - Nothing is asked of the remote side but sh and tcpdump, which often lies where only root's PATH looks.
 */
import { CaptureError } from './capture-error.js';
import { captureTools, type ToolOptions } from './capture-tool.js';

/** For sh: one word, whatever is in it. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The words after `ssh`. Throws CaptureError when `host` would be read as an option. */
export function sshArguments(host: string, options: ToolOptions, asRoot: boolean): string[] {
  if (host === '' || host.startsWith('-')) throw new CaptureError('ssh-failed', `${host || '(nothing)'} is no host`);
  const script = quoted(remoteScript(options));
  // sudo keeps little of the environment.
  const command = asRoot ? `exec sudo -n env SSH_CONNECTION="$SSH_CONNECTION" sh -c ${script}` : `exec sh -c ${script}`;
  return ['-T', '--', host, command];
}

function remoteScript(options: ToolOptions): string {
  const words = captureTools.tcpdump.args(options).map(quoted).join(' ');
  return [
    'PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export PATH',
    `filter=${quoted(options.filter)}`,
    'set -- $SSH_CONNECTION',
    'if [ $# = 4 ]; then own="not (host $1 and port $2 and port $4)"',
    'if [ "$filter" = "" ]; then filter="$own"; else filter="($filter) and $own"; fi; fi',
    'exec 3<&0',
    `tcpdump ${words} -- "$filter" </dev/null & tool=$!`,
    // A shell without job control has its background jobs ignore SIGINT.
    '{ cat >/dev/null; kill -TERM $tool; } <&3 2>/dev/null & watch=$!',
    'wait $tool; code=$?',
    'kill $watch 2>/dev/null',
    'exit $code',
  ].join('\n');
}
