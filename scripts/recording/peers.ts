/**
 * Starts the real software that the examples are recorded from, waits until it listens, and ends it again. Every server gets a
 * folder of its own for its configuration, and writes nothing elsewhere.
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const startLimitMs = 10_000;
const folder = mkdtempSync(join(tmpdir(), 'holdfast-examples-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const started: ChildProcess[] = [];

const goPeers = join(folder, 'peers');

interface Server {
  readonly process: ChildProcess;
  /** Ends the server and waits until it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Compiles peers.go. */
export function buildGoPeers(): void {
  execFileSync('go', ['build', '-o', goPeers, resolve('scripts/recording/peers.go')], { stdio: 'inherit' });
}

function start(command: string, arguments_: readonly string[], stdin: 'ignore' | 'pipe' = 'ignore'): Server {
  const child = spawn(command, arguments_, { stdio: [stdin, 'pipe', 'pipe'], cwd: folder });
  started.push(child);
  return {
    process: child,
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}

/** Ends everything that was started, and waits for it. */
export async function endAll(): Promise<void> {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    const insist = setTimeout(() => child.kill('SIGKILL'), 1000);
    await exited;
    clearTimeout(insist);
  }
}

/** `directives` go into its server, `outside` beside it (upstreams, other servers). */
export async function startNginx(port: number, directives = '', listen = `${port}`, outside = ''): Promise<Server> {
  const file = join(folder, `nginx-${port}.conf`);
  writeFileSync(
    file,
    `daemon off; worker_processes 1; pid ${folder}/nginx-${port}.pid; error_log ${folder}/nginx-${port}.log;
     events { worker_connections 256; }
     http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
            uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
            ${outside}
            server { listen ${listen}; ${directives}
                     location / { default_type text/plain; return 200 "hello from nginx\\n"; }
                     location /empty { return 204; }
                     location /file { alias ${folder}/file; if_modified_since before; } } }\n`,
  );
  writeFileSync(join(folder, 'file'), 'a small file\n'.repeat(20));
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  const server = start('nginx', ['-p', folder, '-c', file]);
  await untilListening(port);
  return server;
}

/** Files of a self-signed certificate for example.test. */
export function makeCertificate(): { readonly certificate: string; readonly key: string } {
  const [certificate, key] = [`${folder}/certificate.pem`, `${folder}/key.pem`];
  execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'].concat([
      ...['-subj', '/CN=example.test', '-keyout', key, '-out', certificate],
    ]),
    { stdio: 'ignore' },
  );
  return { certificate, key };
}

/** The directives for nginx with a certificate of its own. */
export function tlsDirectives(): string {
  const { certificate, key } = makeCertificate();
  return `ssl_certificate ${certificate}; ssl_certificate_key ${key};`;
}

export async function startApache(port: number, directives = ''): Promise<Server> {
  const file = join(folder, `apache-${port}.conf`);
  const modules = ['mpm_event', 'authz_core', 'dir', 'mime'];
  writeFileSync(
    file,
    `ServerRoot ${folder}\nServerName localhost\nListen ${port}\nPidFile ${folder}/apache-${port}.pid\nErrorLog ${folder}/apache-${port}.log
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
TypesConfig /etc/mime.types\nStartServers 1\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\nDocumentRoot ${folder}/site
<Directory ${folder}/site>\nRequire all granted\n</Directory>\n${directives}\n`,
  );
  execFileSync('mkdir', ['-p', `${folder}/site`]);
  writeFileSync(join(folder, 'site/index.html'), '<p>hello from apache\n');
  execFileSync('chmod', ['-R', 'a+rX', folder]);
  const server = start('apache2', ['-DFOREGROUND', '-f', file]);
  await untilListening(port);
  return server;
}

export async function startHaproxy(port: number, backendPort: number, serverTimeout = '1s', mode = 'http'): Promise<Server> {
  const file = join(folder, `haproxy-${port}.cfg`);
  writeFileSync(
    file,
    `defaults
  mode ${mode}
  timeout connect 1s
  timeout client 5s
  timeout server ${serverTimeout}
  timeout http-keep-alive 4s
frontend front
  bind :${port}
  default_backend back
backend back
  ${mode === 'http' ? 'http-reuse always' : ''}
  server node 127.0.0.1:${backendPort}\n`,
  );
  const server = start('haproxy', ['-f', file, '-db']);
  await untilListening(port);
  return server;
}

export async function startNode(port: number, keepAliveTimeoutMs: number): Promise<Server> {
  const server = start(process.execPath, [
    resolve('.test-out/scripts/recording/node-server.js'),
    String(port),
    String(keepAliveTimeoutMs),
  ]);
  await untilListening(port);
  return server;
}

/** Runs a script of ours, built under .test-out, that listens on the port it is told first. */
export async function startScript(port: number, script: string, ...more: readonly (string | number)[]): Promise<Server> {
  const server = start(process.execPath, [resolve('.test-out/scripts', script), String(port), ...more.map(String)]);
  await untilListening(port);
  return server;
}

export async function startGo(port: number, idleMs: number, kind: 'server' | 'graceful' = 'server'): Promise<Server> {
  const server = start(goPeers, [kind, String(port), String(idleMs)]);
  await untilListening(port);
  return server;
}

/** Runs one of the Go clients to its end. */
export async function runGo(...arguments_: string[]): Promise<void> {
  await run(goPeers, ...arguments_);
}

/** Runs a command to its end; what it answers and how it ends do not matter, only what it sends. */
export async function run(command: string, ...arguments_: string[]): Promise<void> {
  await once(start(command, arguments_).process, 'close');
}

interface Link extends Server {
  /** Loses every packet from now on. */
  drop(): Promise<void>;
  /** Loses none any more. */
  pass(): Promise<void>;
  /** Sends the near side a reset in the name of the far side, as a box in between does. */
  forgeReset(): Promise<void>;
  /** Packets that match (nftables) are lost when they leave the far side or come to it, until the function is called. */
  lose(match: string): () => void;
  /** Lets the far side send no faster than this (`500kbit`), until the function is called. */
  limit(rate: string): () => void;
  /** The system settings of the far side. */
  set(name: string, value: string): Promise<void>;
  /** Runs a server behind the link, at 10.9.0.2. */
  startNodeBehind(port: number, keepAliveTimeoutMs: number): Promise<Server>;
  /** `tls`: files of a certificate and its key. */
  startGoBehind(port: number, idleMs: number, tls?: readonly string[]): Promise<Server>;
  startScriptBehind(port: number, script: string, ...more: readonly (string | number)[]): Promise<Server>;
}

/** A link with a round trip of twice `oneWayMs` to another network namespace. */
export async function startLink(oneWayMs: number): Promise<Link> {
  const namespace = start('unshare', ['-n', 'sleep', 'infinity']);
  await untilOwnNamespace(namespace.process.pid!);
  const link = start(goPeers, ['link', String(oneWayMs), String(namespace.process.pid)], 'pipe');
  await once(link.process.stdout!, 'data');
  const tell = async (word: string): Promise<void> => {
    link.process.stdin!.write(`${word}\n`);
    await once(link.process.stdout!, 'data');
  };
  const inside = (...command: string[]) => ['-t', String(namespace.process.pid), '-n', ...command];
  const startBehind = async (port: number, ...command: string[]): Promise<Server> => {
    const server = start('nsenter', inside(...command));
    await untilListening(port, '10.9.0.2');
    // The last packets of that look are still on the link.
    await new Promise((done) => setTimeout(done, 10 * oneWayMs));
    return server;
  };
  return {
    ...link,
    stop: async () => {
      await link.stop();
      await namespace.stop('SIGKILL');
    },
    drop: () => tell('drop'),
    pass: () => tell('pass'),
    forgeReset: () => tell('reset'),
    lose: (match) => {
      const nft = (...words: string[]) => execFileSync('nsenter', inside('nft', ...words));
      nft('add', 'table', 'inet', 'lossy');
      for (const hook of ['input', 'output']) {
        nft('add', 'chain', 'inet', 'lossy', hook, `{ type filter hook ${hook} priority 0; }`);
        nft('add', 'rule', 'inet', 'lossy', hook, ...match.split(' '), 'drop');
      }
      return () => void nft('delete', 'table', 'inet', 'lossy');
    },
    limit: (rate) => {
      const tc = (what: string, ...words: string[]) =>
        execFileSync('nsenter', inside('tc', 'qdisc', what, 'dev', 'holdfast1', 'root', ...words));
      tc('add', 'tbf', 'rate', rate, 'burst', '1600', 'latency', '2s');
      return () => void tc('del');
    },
    set: async (name, value) => {
      execFileSync('nsenter', inside('sysctl', '-q', '-w', `${name}=${value}`));
    },
    startNodeBehind: (port, keepAliveTimeoutMs) =>
      startBehind(
        port,
        process.execPath,
        resolve('.test-out/scripts/recording/node-server.js'),
        String(port),
        String(keepAliveTimeoutMs),
      ),
    startGoBehind: (port, idleMs, tls = []) => startBehind(port, goPeers, 'server', String(port), String(idleMs), ...tls),
    startScriptBehind: (port, script, ...more) =>
      startBehind(port, process.execPath, resolve('.test-out/scripts', script), String(port), ...more.map(String)),
  };
}

/** `unshare` needs a moment; entering before would enter our own. */
async function untilOwnNamespace(pid: number): Promise<void> {
  const own = execFileSync('readlink', ['/proc/self/ns/net'], { encoding: 'utf8' });
  await until(async () => execFileSync('readlink', [`/proc/${pid}/ns/net`], { encoding: 'utf8' }) !== own);
}

async function untilListening(port: number, host = 'localhost'): Promise<void> {
  await until(
    () =>
      new Promise((done) => {
        const socket = connect({ port, host });
        socket.once('connect', () => done(true)).once('error', () => done(false));
        socket.once('connect', () => socket.destroy());
      }),
  );
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const limit = Date.now() + startLimitMs; Date.now() < limit; ) {
    if (await condition()) return;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error('a peer did not come up in time');
}
