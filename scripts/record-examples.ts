/**
 * Records examples/ anew: real software, real TCP, captured by tcpdump or dumpcap. What each example shows is told in
 * examples/README.md; here is how it is made to happen.
 *
 * Needs root (for the captures and for a network namespace of its own, so that nothing else on the machine is seen or
 * disturbed) and tcpdump, dumpcap, nginx, apache2, haproxy, ab, curl, openssl and go.
 *
 *     npm run record-examples [-- part-of-a-name…]
 */

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { record } from './recording/capture.js';
import { ask, gone, openSocket, pause } from './recording/clients.js';
import * as peers from './recording/peers.js';

const scenarios: Readonly<Record<string, () => Promise<void>>> = {
  'kept-healthy': async () => {
    await peers.startNginx(80);
    await record({ file: 'kept-healthy.pcap', ports: [80] }, async () => {
      await peers.run('curl', '-s', ...Array.from({ length: 4 }, (_, i) => `http://127.0.0.1/page-${i + 1}`));
      const agent = new Agent({ keepAlive: true });
      for (let i = 0; i < 3; i += 1) {
        await ask(agent, 'http://127.0.0.1/api');
        await pause(150);
      }
      agent.destroy();
    });
  },

  'stale-reuse': async () => {
    // A link with a round trip of 40 ms, a server that closes after 2 s, and a client that sends just before it hears of that.
    const link = await peers.startLink(20);
    await link.startNodeBehind(8080, 1000);
    await record({ file: 'stale-reuse.pcap', ports: [8080], device: 'holdfast0' }, async () => {
      const agent = new Agent({ keepAlive: true });
      await ask(agent, 'http://10.9.0.2:8080/');
      await pause(300);
      await ask(agent, 'http://10.9.0.2:8080/');
      await pause(1978);
      const outcome = await ask(agent, 'http://10.9.0.2:8080/orders', 'POST', '{"item":4711}');
      if (outcome !== 'ECONNRESET') throw new Error(`the request and the close did not cross: ${outcome}`);
      await ask(agent, 'http://10.9.0.2:8080/orders', 'POST', '{"item":4711}');
      agent.destroy();
      await pause(200);
    });
  },

  'slow-server': async () => {
    await peers.startNode(8080, 5000);
    await record({ file: 'slow-server.pcap', ports: [8080] }, async () => {
      const agent = new Agent({ keepAlive: true });
      await ask(agent, 'http://127.0.0.1:8080/');
      await ask(agent, 'http://127.0.0.1:8080/slow?ms=2500');
      await ask(agent, 'http://127.0.0.1:8080/trickle?ms=400');
      agent.destroy();
    });
  },

  churn: async () => {
    await peers.startApache(80);
    await record({ file: 'churn.pcap.gz', ports: [80] }, () => peers.run('ab', '-q', '-n', '50', '-c', '4', 'http://127.0.0.1/'));
  },

  'killed-server': async () => {
    const server = await peers.startNode(8080, 5000);
    await record({ file: 'killed-server.pcap', ports: [8080] }, async () => {
      const agent = new Agent({ keepAlive: true });
      await ask(agent, 'http://127.0.0.1:8080/');
      const waiting = ask(agent, 'http://127.0.0.1:8080/never');
      await pause(500);
      await server.stop('SIGKILL');
      await waiting;
      for (let i = 0; i < 3; i += 1) {
        await ask(agent, 'http://127.0.0.1:8080/');
        await pause(200);
      }
    });
  },

  'max-requests': async () => {
    await peers.startNginx(80, 'keepalive_requests 3;');
    await record({ file: 'max-requests.pcapng', ports: [80] }, async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; i < 7; i += 1) await ask(agent, 'http://127.0.0.1/');
      agent.destroy();
    });
  },

  'tiny-pool': async () => {
    await peers.startGo(8080, 60_000);
    await record({ file: 'tiny-pool.pcapng.gz', ports: [8080] }, () =>
      peers.runGo('pool', 'http://127.0.0.1:8080/?ms=20', '5', '2'),
    );
  },

  'half-close': async () => {
    // The client says "I have said everything" and waits for the answer. Go answers, Node hangs up.
    await peers.startGo(8088, 5000);
    await peers.startNode(8080, 5000);
    await record({ file: 'half-close.pcap', ports: [8080, 8088] }, async () => {
      for (const [port, path] of [
        [8088, '/?ms=200'],
        [8080, '/slow?ms=200'],
      ] as const) {
        const socket = await openSocket(port);
        socket.end(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
        await once(socket, 'end');
      }
    });
  },

  'continue-upload': async () => {
    await peers.startNode(8080, 5000);
    await record({ file: 'continue-upload.pcapng', ports: [8080] }, async () => {
      const upload = ['-s', '-X', 'POST', '-H', 'Expect: 100-continue', '-H', 'Transfer-Encoding: chunked'];
      await peers.run(
        'curl',
        ...upload,
        '--data-binary',
        'x'.repeat(5000),
        'http://127.0.0.1:8080/upload',
        'http://127.0.0.1:8080/again',
      );
    });
  },

  'idle-close': async () => {
    await peers.startNginx(80, 'keepalive_timeout 1s;');
    await record({ file: 'idle-close.pcap', ports: [80] }, async () => {
      const agent = new Agent({ keepAlive: true });
      for (let i = 0; i < 3; i += 1) {
        await ask(agent, 'http://127.0.0.1/');
        await pause(1500);
      }
      agent.destroy();
    });
  },

  pipelined: async () => {
    await peers.startNginx(80);
    await record({ file: 'pipelined.pcap', ports: [80] }, async () => {
      const socket = await openSocket(80);
      const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
      socket.write(get('/one') + get('/two') + get('/three'));
      await once(socket, 'data');
      await pause(100);
      socket.write(get('/four') + get('/five', 'Connection: close\r\n'));
      await once(socket, 'end');
      socket.end();
    });
  },

  http10: async () => {
    await peers.startApache(80);
    await record({ file: 'http10.pcap', ports: [80] }, async () => {
      await peers.run('curl', '-s', '--http1.0', 'http://127.0.0.1/', 'http://127.0.0.1/');
      await peers.run('ab', '-q', '-k', '-n', '4', 'http://127.0.0.1/');
    });
  },

  'no-body': async () => {
    await peers.startNginx(80);
    await record({ file: 'no-body.pcap', ports: [80] }, async () => {
      const since = ['-H', `If-Modified-Since: ${new Date(Date.now() + 1000).toUTCString()}`];
      const next = ['--next', '-s'];
      await peers.run(
        'curl',
        '-s',
        '-I',
        'http://127.0.0.1/file',
        ...next,
        ...since,
        'http://127.0.0.1/file',
        ...next,
        'http://127.0.0.1/empty',
        ...next,
        'http://127.0.0.1/file',
      );
    });
  },

  tls: async () => {
    await peers.startNginx(443, peers.tlsDirectives(), '443 ssl');
    await record({ file: 'tls.pcap', ports: [443] }, async () => {
      const urls = ['https://example.test/', 'https://example.test/again'];
      await peers.run('curl', '-s', '-k', '--http1.1', '--resolve', 'example.test:443:127.0.0.1', ...urls);
    });
  },

  'keep-alive-probes': async () => {
    await peers.startNode(8080, 10_000);
    await record({ file: 'keep-alive-probes.pcapng', ports: [8080] }, async () => {
      const socket = await openSocket(8080);
      socket.setKeepAlive(true, 1000);
      socket.write('GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await pause(4500);
      socket.write('GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'data');
      socket.end();
      await once(socket, 'end');
    });
  },

  'silent-drop': async () => {
    // A firewall forgets the connection while it is idle: the next request is repeated into the void until the client gives up.
    const link = await peers.startLink(10);
    await link.startNodeBehind(8080, 60_000);
    await record({ file: 'silent-drop.pcap', ports: [8080], device: 'holdfast0' }, async () => {
      const socket = await openSocket(8080, '10.9.0.2');
      socket.write('GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'data');
      await pause(1500);
      await link.drop();
      socket.write('GET /second HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await pause(5000);
      socket.destroy();
      await peers.run('curl', '-s', '--connect-timeout', '4', 'http://10.9.0.2:8080/');
    });
  },

  'dead-peer': async () => {
    // The client's kernel probes an idle connection whose path is gone: ten probes, one a second, and then it gives up with a reset.
    const link = await peers.startLink(10);
    await link.startNodeBehind(8080, 60_000);
    await record({ file: 'dead-peer.pcap', ports: [8080], device: 'holdfast0' }, async () => {
      const socket = await openSocket(8080, '10.9.0.2');
      socket.setKeepAlive(true, 1000);
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'data');
      await pause(1300);
      await link.drop();
      await gone(socket);
    });
  },

  'zero-window': async () => {
    await peers.startGo(8080, 5000);
    await record({ file: 'zero-window.pcap', ports: [8080] }, () => peers.runGo('slow-reader', '127.0.0.1:8080', '1500'));
  },

  'cut-response': async () => {
    await peers.startNode(8080, 5000);
    await record({ file: 'cut-response.pcap', ports: [8080] }, async () => {
      await peers.run('curl', '-s', 'http://127.0.0.1:8080/', 'http://127.0.0.1:8080/cut');
    });
  },

  'refused-upload': async () => {
    // The answer 413 comes while the client still sends; the client hears a reset or the answer, as the race goes.
    await peers.startNginx(80, 'client_max_body_size 1k; lingering_close off;');
    await record({ file: 'refused-upload.pcap', ports: [80] }, async () => {
      const socket = await openSocket(80);
      socket.write('POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n\r\n');
      socket.write('x'.repeat(2000));
      await once(socket, 'data');
      socket.write('x'.repeat(8000));
      await pause(100);
      socket.destroy();
    });
  },

  upgrade: async () => {
    await peers.startNode(8080, 5000);
    await record({ file: 'upgrade.pcap', ports: [8080] }, async () => {
      const socket = await openSocket(8080);
      const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';
      socket.write(`GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${key}\r\n`);
      await once(socket, 'data');
      await pause(300);
      // Masked close frame, RFC 6455 §5.5.1.
      socket.write(Buffer.from([0x88, 0x82, 1, 2, 3, 4, 3 ^ 1, 0xe8 ^ 2]));
      await once(socket, 'end');
      socket.end();
    });
  },

  proxy: async () => {
    // Both sides of a proxy in one capture; the backend closes idle connections earlier than the proxy thinks.
    await peers.startNode(8080, 300);
    await peers.startHaproxy(80, 8080);
    await record({ file: 'proxy.pcap', ports: [80, 8080] }, async () => {
      const agent = new Agent({ keepAlive: true });
      await ask(agent, 'http://127.0.0.1/');
      await pause(1600);
      await ask(agent, 'http://127.0.0.1/');
      await ask(agent, 'http://127.0.0.1/slow?ms=1500');
      await pause(1600);
      agent.destroy();
    });
  },

  ipv6: async () => {
    await peers.startNginx(80, '', '[::]:80 ipv6only=off');
    const options = ['--time-stamp-precision=nano'];
    await record({ file: 'ipv6.pcap', ports: [80], tcpdumpOptions: options }, () =>
      peers.run('curl', '-s', 'http://[::1]/one', 'http://[::1]/two'),
    );
  },

  'any-device': async () => {
    // The pseudo-device "any" has a link type of its own, Linux cooked v2.
    await peers.startNginx(80);
    await record({ file: 'any-device.pcap', ports: [80], device: 'any' }, () =>
      peers.run('curl', '-s', 'http://127.0.0.1/one', 'http://127.0.0.1/two'),
    );
  },

  'cut-packets': async () => {
    // Only the first 96 bytes of each packet are kept: heads are cut, bodies are missing.
    await peers.startNginx(80);
    await record({ file: 'cut-packets.pcap', ports: [80], tcpdumpOptions: ['-s', '96'] }, () =>
      peers.run('curl', '-s', '-A', 'x', 'http://127.0.0.1/file', 'http://127.0.0.1/'),
    );
  },
};

async function main(): Promise<void> {
  const wanted = process.argv.slice(2);
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  peers.buildGoPeers();
  for (const [name, play] of Object.entries(scenarios)) {
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) continue;
    try {
      await play();
    } finally {
      await peers.endAll();
    }
  }
}

await main();
