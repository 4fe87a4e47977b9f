/**
 * What the machines and the boxes between them do to connections: openings that are lost or wait in a full queue, big packets that
 * vanish, flows that a box forgets, ports that are used again, windows that stay closed, slow starts. And encrypted talk, of which only
 * the packets can be judged.
 */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:https';
import { Socket } from 'node:net';
import { pause } from '../recording/clients.js';
import * as peers from '../recording/peers.js';
import { each, far, type Scenario } from './closing-faults.js';
import { Line, requestText } from './line.js';
import { oddServer } from './odd-server.js';

type Link = Awaited<ReturnType<typeof peers.startLink>>;

/** Packets that match are lost, behind the place where they are recorded. */
function losing(match: string): () => void {
  const table = `holdfast${match.replace(/\D+/g, '')}`;
  const nft = (...words: string[]) => execFileSync('nft', words);
  nft('add', 'table', 'inet', table);
  nft('add', 'chain', 'inet', table, 'input', '{ type filter hook input priority 0; }');
  nft('add', 'rule', 'inet', table, 'input', ...match.split(' '), 'drop');
  return () => void nft('delete', 'table', 'inet', table);
}

let nextPort = 21_000;

/** A socket on a port that is known before it connects. */
function dial(serverPort: number, host = '127.0.0.1') {
  nextPort += 1;
  const socket = new Socket();
  const who = { clientPort: nextPort, serverPort, startedAtMs: Date.now() };
  socket.on('error', () => {});
  socket.resume();
  socket.connect({ port: serverPort, host, localPort: who.clientPort });
  return { socket, who };
}

/** The first SYN is lost; and a server that accepts nobody for a while, so that its queue is full. */
export const openings: Scenario = async (truth, ready) => {
  const [lost, full] = [8620, 8621];
  await oddServer(lost);
  const accepting = [
    'import socket, time, sys',
    's = socket.socket()',
    's.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)',
    `s.bind(("127.0.0.1", ${full}))`,
    's.listen(0)',
    'time.sleep(float(sys.argv[1]))',
    's.settimeout(9)',
    'try:',
    '  while True:',
    '    c, _ = s.accept()',
    '    c.recv(1000)',
    '    c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")',
    '    c.close()',
    'except OSError: pass',
  ];
  await ready();
  for (let index = 0; index < 5; index += 1) {
    const found = losing(`tcp dport ${lost}`);
    const { socket, who } = dial(lost);
    await pause(250);
    found();
    await once(socket, 'connect');
    socket.write(requestText('/'));
    await pause(50);
    socket.end();
    truth.connection('lost-opening', 'the first SYN lost behind the capture', who);
  }
  const server = peers.run('python3', '-c', accepting.join('\n'), '3.4');
  await pause(400);
  const dialled = [0, 1, 2, 3].map(() => dial(full));
  for (const [index, { socket, who }] of dialled.entries()) {
    socket.once('connect', () => socket.write(requestText('/')));
    if (index < 1) truth.connection('slow-server', 'it does not accept the connection for three seconds', who);
    else truth.connection('lost-opening', 'the queue of new connections is full', who);
    await pause(60);
  }
  await server;
  for (const { socket } of dialled) socket.destroy();
};

/** The same port again: right behind an orderly close, and while the old connection waits at the server. */
export const portsAgain: Scenario = async (truth, ready) => {
  const port = 8622;
  await oddServer(port);
  const client = [
    'import socket, time, struct',
    'for n in range(6):',
    '  s = socket.socket()',
    '  s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)',
    '  s.bind(("127.0.0.1", 21500))',
    `  s.connect(("127.0.0.1", ${port}))`,
    '  for path in ("/", "/again", "/last"):',
    '    s.sendall(b"GET %s HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n" % path.encode())',
    '    s.recv(1000)',
    '  if n % 2 == 0: s.recv(1000)',
    '  s.close()',
    '  time.sleep(0.05)',
  ];
  await ready();
  await peers.run('python3', '-c', client.join('\n'));
  truth.nearMiss('one client port for one connection after the other', 6);
  truth.server('max-requests', 'announced behind the third answer, one port', port);
};

/** The server does not read: its window closes in the middle of an upload. */
export const closedWindows: Scenario = async (truth, ready) => {
  const port = 8623;
  const server = [
    'import socket, time, threading',
    's = socket.socket()',
    's.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)',
    's.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)',
    `s.bind(("127.0.0.1", ${port}))`,
    's.listen(20)',
    's.settimeout(60)',
    'def attend(c):',
    '  head = c.recv(300)',
    '  if b"slow" in head: time.sleep(2.2)',
    '  have = len(head)',
    '  while have < 60000: have += len(c.recv(4000))',
    '  c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")',
    '  c.recv(100)',
    '  c.close()',
    'while True: threading.Thread(target=attend, args=(s.accept()[0],), daemon=True).start()',
  ];
  void peers.run('python3', '-c', server.join('\n'));
  await ready();
  await each(8, async (index) => {
    const line = await Line.open(port);
    const path = index % 2 === 0 ? '/slow' : '/quick';
    await line.ask(path, { method: 'POST', body: 'x'.repeat(60_000) });
    if (index % 2 === 0) truth.connection('slow-server', 'it does not read the upload for two seconds', line);
    else truth.nearMiss('an upload through a small window');
    await line.leave();
  });
};

/** TLS: kept, idled out, broken off in the handshake and in the middle, and closed with a reset. */
export const encrypted: Scenario = async (truth, ready) => {
  const port = 8624;
  await peers.startNginx(port, `${peers.tlsDirectives()} keepalive_timeout 1s; keepalive_requests 4;`, `${port} ssl`);
  await ready();
  const agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: 3 });
  const ask = (path: string): Promise<void> =>
    new Promise((done) => {
      get({ host: '127.0.0.1', port, path, agent }, (response) => {
        response.resume();
        response.once('close', () => done());
      }).once('error', () => done());
    });
  await each(24, async (index) => {
    await ask(index % 3 === 0 ? '/file' : '/');
    if (index % 8 === 7) await pause(1100);
  });
  for (let round = 0; round < 2; round += 1) {
    await ask('/');
    await pause(1300);
  }
  agent.destroy();
  truth.server('timeout-inferred', 'nginx, through TLS', port);
  truth.nearMiss('requests over TLS', 26);
  await each(8, async (index) => {
    const { socket, who } = dial(port);
    await once(socket, 'connect');
    if (index % 2 === 0) socket.write(Buffer.from('16030100050100000100', 'hex'));
    await pause(40 * index);
    if (index % 4 < 2) socket.resetAndDestroy();
    else socket.destroy();
    if (index % 2 === 0) truth.nearMiss('a TLS handshake that is broken off');
    else truth.connection('unused-connection', 'closed before the TLS handshake', who);
  });
};

export const bigPorts = { vanish: 8625, forgotten: 8626, slowStart: 8627 } as const;

/** On the link: a long answer after a pause, and one without a pause before it. */
export const slowStarts: Scenario = async (truth, ready) => {
  await ready();
  await each(
    4,
    async (index) => {
      const line = await Line.open(bigPorts.slowStart, { host: far });
      for (let asked = 0; asked < 4; asked += 1) await line.ask('/large?bytes=150000');
      if (index % 2 === 0) await pause(2000);
      await line.ask('/large?bytes=150000');
      if (index % 2 === 0) truth.connection('slow-start-after-idle', 'a long answer after two seconds', line);
      else truth.nearMiss('one long answer behind the other');
      await line.leave();
    },
    2,
  );
};

/** Alone on the link. Packets of more than 1000 bytes get lost on the way; and a box forgets what was idle, and nothing else. */
export const boxes =
  (link: Link): Scenario =>
  async (truth, ready) => {
    await ready();
    const small = await Promise.all([0, 1, 2].map(() => Line.open(bigPorts.vanish, { host: far })));
    for (const line of small) await line.ask();
    const found = losing(`meta length > 1000 tcp sport ${bigPorts.vanish}`);
    for (const line of small) void line.ask('/large?bytes=20000');
    await pause(4200);
    for (const line of small) {
      truth.connection('slow-network', 'big packets get lost, all of them', line);
      truth.connection('response-cut', 'its caller leaves an answer that stands still', line);
      line.socket.destroy();
    }
    found();

    const idle = await Promise.all([0, 1, 2].map(() => Line.open(bigPorts.forgotten, { host: far })));
    for (const line of idle) await line.ask();
    await pause(1600);
    // For good: what comes back is another fault.
    link.lose(`tcp sport { ${idle.map(({ clientPort }) => clientPort).join(', ')} } tcp dport ${bigPorts.forgotten}`);
    for (const line of idle) void line.ask('/late');
    const fresh = await Line.open(bigPorts.forgotten, { host: far });
    for (let asked = 0; asked < 4; asked += 1) {
      await fresh.ask();
      await pause(700);
    }
    await fresh.leave();
    for (const line of idle) {
      truth.connection('silent-drop', 'forgotten while others are served', line);
      line.socket.destroy();
    }
  };
