/**
 * Apache with the event module, a configuration and a folder of its own, in the foreground. Its MaxKeepAliveRequests counts the requests
 * after the first; 0 is no limit, so a single request on a connection cannot be asked for.
 */

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StartedProcess } from '../started-process.js';
import { versionOf } from './installed.js';
import { type ServerPeer, untilListening } from './server-peer.js';
import { site } from './site.js';

const moduleFolders = [
  '/usr/lib/apache2/modules',
  '/usr/lib64/httpd/modules',
  '/usr/lib/httpd/modules',
  '/opt/homebrew/lib/httpd/modules',
];
const modules = ['mpm_event', 'authz_core', 'dir', 'mime', 'unixd'];
const programs = ['apache2', 'httpd'];

async function installed(): Promise<{ readonly program: string; readonly version: string } | null> {
  for (const program of programs) {
    const version = await versionOf(program, ['-v']);
    if (version !== null) return { program, version };
  }
  return null;
}

/** Modules that are built in have no file. */
function loadModules(): string {
  const folder = moduleFolders.find((path) => existsSync(path)) ?? '';
  return modules
    .map((name) => [name, join(folder, `mod_${name}.so`)] as const)
    .filter(([, file]) => existsSync(file))
    .map(([name, file]) => `LoadModule ${name}_module ${file}`)
    .join('\n');
}

const never = '365d';

export const apache: ServerPeer = {
  name: 'apache',
  title: 'Apache',
  abilities: ['counted-hint', 'orderly-close', 'hint'],
  closesLateByMs: 100,
  version: async () => (await installed())?.version ?? null,
  howToGet: 'apt install apache2 (or: dnf install httpd)',
  start: async ({ address, port, folder }, { idleTimeoutMs, maxRequests }) => {
    for (const [path, { body }] of Object.entries(site)) {
      const file = join(folder, 'site', path === '/' ? 'index.html' : path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, body);
    }
    // Apache's workers are another user when it is started by root.
    chmodSync(folder, 0o755);
    const timeout = idleTimeoutMs === Number.POSITIVE_INFINITY ? never : `${idleTimeoutMs}ms`;
    const file = join(folder, 'apache.conf');
    writeFileSync(
      file,
      `ServerRoot ${folder}
ServerName localhost
Listen ${address}:${port}
PidFile ${folder}/apache.pid
ErrorLog ${folder}/error.log
DefaultRuntimeDir ${folder}
${loadModules()}
${process.getuid?.() === 0 ? 'User #65534\nGroup #65534' : ''}
AddType text/html .html
AddType text/javascript .js
TypesConfig /dev/null
StartServers 1
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
KeepAlive ${idleTimeoutMs === 0 ? 'Off' : 'On'}
${idleTimeoutMs === 0 ? '' : `KeepAliveTimeout ${timeout}`}
MaxKeepAliveRequests ${maxRequests === null ? 0 : maxRequests - 1}
DocumentRoot ${folder}/site
<Directory ${folder}/site>
  Require all granted
</Directory>
`,
    );
    const { program } = (await installed())!;
    const server = new StartedProcess(program, ['-DFOREGROUND', '-f', file]);
    await untilListening(server, port);
    return server;
  },
};
