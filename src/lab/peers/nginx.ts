/** nginx, with a configuration and a folder of its own, in the foreground and as a single process. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartedProcess } from '../started-process.js';
import { versionOf } from './installed.js';
import type { ServerSettings } from './server-part.js';
import { type ServerPeer, untilListening } from './server-peer.js';
import { site } from './site.js';

const never = '365d';

/**
 * The hint is a second argument in whole seconds, and nginx says it only when it is given. A timeout in milliseconds is taken as
 * it is (ngx_parse_time).
 */
function keepAliveOf({ idleTimeoutMs, maxRequests, hint, lingerMs }: ServerSettings): string {
  const timeout = idleTimeoutMs === Number.POSITIVE_INFINITY ? never : `${idleTimeoutMs}ms`;
  const seconds = Math.max(1, Math.floor(idleTimeoutMs / 1000));
  const announced = hint && idleTimeoutMs > 0 && Number.isFinite(idleTimeoutMs) ? ` ${seconds}s` : '';
  return [
    `keepalive_timeout ${timeout}${announced};`,
    `keepalive_requests ${maxRequests ?? 100_000};`,
    `lingering_timeout ${lingerMs}ms;`,
  ].join(' ');
}

const probesOf = ({ probes }: ServerSettings): string => {
  if (probes === null) return '';
  const seconds = (ms: number | undefined): string => (ms === undefined ? '' : `${ms / 1000}s`);
  return ` so_keepalive=${seconds(probes.idleMs)}:${seconds(probes.intervalMs)}:${probes.count ?? ''}`;
};

export const nginx: ServerPeer = {
  name: 'nginx',
  title: 'nginx',
  abilities: ['probe-timing', 'orderly-close', 'hint'],
  closesLateByMs: 0,
  version: () => versionOf('nginx', ['-v']),
  howToGet: 'apt install nginx (or: dnf, apk, brew)',
  start: async ({ address, port, folder }, settings) => {
    for (const [path, { body }] of Object.entries(site)) {
      const file = join(folder, 'site', path === '/' ? 'index.html' : path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, body);
    }
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`);
    // As root of a user namespace it knows no other user.
    const user = process.platform === 'linux' && process.getuid?.() === 0 ? 'user root;' : '';
    const configuration = `${user} daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; ${temporary.join(' ')}
  types { text/html html; text/javascript js; } default_type text/plain;
  server {
    listen ${address}:${port}${probesOf(settings)}; root ${folder}/site;
    ${keepAliveOf(settings)}
    location = /orders { return 200 "taken\\n"; }
  }
}
`;
    const file = join(folder, 'nginx.conf');
    writeFileSync(file, configuration);
    const server = new StartedProcess('nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', file]);
    await untilListening(server, port);
    return server;
  },
};
