import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Connection, Diagnosis, diagnosisLimits, rules } from 'holdfast/story';
import { each, tell } from './conversation.js';

/** A request that crosses the server's FIN on a reused connection. */
const lost = (n: number, at: number): string => `
  #${n} ${at}        open
  #${n} ${at + 0.1}  >> GET /first
  #${n} ${at + 0.15} << 200 body 5
  #${n} ${at + 5.15} << FIN ; unacked
  #${n} ${at + 5.151} >> POST /order body 20 ; crossing
  #${n} ${at + 5.17} << RST
`;

const addressOf = (n: number): string => `10.1.${n >> 8}.${n & 255}`;

describe('findings', () => {
  it('are one for each rule and server, with counts, evidence and cost', () => {
    const { findings } = tell(each(30, (n) => lost(n, n * 10)));
    const [first] = findings;
    assert.deepEqual(
      [first?.rule, first?.count, first?.sureCount, first?.connectionCount, first?.lostRequests, first?.connections.length],
      ['stale-reuse', 30, 30, 30, 30, 30],
    );
    assert.match(first?.detail ?? '', /^10\.0\.0\.2:80: 30 of 60 requests \(50 %\)/);
    assert.equal(findings.filter(({ rule }) => rule === 'stale-reuse').length, 1);
  });

  it('are told apart by server', () => {
    const { findings } = tell(`${lost(0, 0)}\nserver 10.0.0.3:8080\n${lost(1, 10)}`);
    const servers = findings.filter(({ rule }) => rule === 'stale-reuse').map(({ server }) => `${server.address}:${server.port}`);
    assert.deepEqual(servers.sort(), ['10.0.0.2:80', '10.0.0.3:8080']);
  });

  it('of a port scan are few, and count all of it', () => {
    const tried = each(20, (n) => `server 10.0.0.2:${9000 + n}\n#${n} ${n} >> SYN ; unacked\n#${n} ${n}.01 << RST`);
    const { findings } = tell(tried);
    const refused = findings.filter(({ rule }) => rule === 'refused');
    assert.equal(refused.length, diagnosisLimits.neverServed + 1);
    assert.equal(
      refused.reduce((sum, { count }) => sum + count, 0),
      20,
    );
    assert.match(refused.at(-1)?.detail ?? '', /^10\.0\.0\.2:9008 and 11 more where nothing was ever served/);
    assert.equal(refused.at(-1)?.connections.length, 12);
  });

  it('come worst first', () => {
    const { findings } = tell(`${lost(0, 0)}
      #1 20 open
      #1 20.1 >> GET /slow
      #1 23.1 << 200 body 5
      #2 30 open
      #2 31 >> FIN
      #2 31.1 << FIN`);
    const order = ['bad', 'warning', 'info', 'good'];
    const levels = findings.map(({ level }) => order.indexOf(level));
    assert.deepEqual(
      levels,
      levels.toSorted((a, b) => a - b),
    );
    assert.ok(levels.length >= 3);
  });

  it('may be asked for at any time without changing anything', () => {
    const { connections } = tell(each(6, (n) => lost(n, n * 10)));
    const once = new Diagnosis();
    const often = new Diagnosis();
    for (const connection of connections) {
      once.take(connection);
      often.take(connection);
      often.findings();
    }
    assert.deepEqual(often.findings(), once.findings());
    assert.deepEqual(often.findings(), often.findings());
  });

  it('do not depend on the order in which connections end', () => {
    const { connections } = tell(each(6, (n) => lost(n, n * 10)));
    const counts = (order: readonly Connection[]) => {
      const diagnosis = new Diagnosis();
      for (const connection of order) diagnosis.take(connection);
      return diagnosis.findings().map(({ rule, count, confidence }) => ({ rule, count, confidence }));
    };
    assert.deepEqual(counts(connections.toReversed()), counts(connections));
  });

  it('are only those of the rules given', () => {
    const { connections } = tell(lost(0, 0));
    const diagnosis = new Diagnosis({ rules: rules.filter(({ id }) => id === 'slow-server') });
    for (const connection of connections) diagnosis.take(connection);
    assert.deepEqual(diagnosis.findings(), []);
  });
});

describe('on long streams', () => {
  it('lost requests are all counted though only some wait for more knowledge', () => {
    const { connections } = tell(lost(0, 0));
    const diagnosis = new Diagnosis();
    for (let n = 0; n < 2000; n++) diagnosis.take({ ...connections[0]!, id: n });
    const [first] = diagnosis.findings();
    assert.deepEqual([first?.rule, first?.count, first?.lostRequests], ['stale-reuse', 2000, 2000]);
    assert.equal(first?.connections.length, diagnosisLimits.connectionsPerFinding);
    assert.ok((first?.packets.length ?? 0) <= diagnosisLimits.packetsPerFinding);
  });

  it('servers beyond the limit are judged before they are forgotten', () => {
    const { connections } = tell(lost(0, 0));
    const diagnosis = new Diagnosis();
    const count = 3000;
    for (let n = 0; n < count; n++) {
      diagnosis.take({ ...connections[0]!, id: n, server: { address: addressOf(n), port: 80 } });
    }
    assert.equal(diagnosis.findings().filter(({ rule }) => rule === 'stale-reuse').length, count);
  });

  it('clients beyond the limit are judged before they are forgotten', () => {
    const { connections } = tell(
      each(
        12,
        (n) => `
        #${n} ${n}     open
        #${n} ${n}.1   >> GET /
        #${n} ${n}.2   << 200 body 5
        #${n} ${n}.21  >> FIN
        #${n} ${n}.3   << FIN`,
      ),
    );
    const diagnosis = new Diagnosis();
    const clients = 20_000;
    for (let client = 0; client < clients; client++) {
      for (const connection of connections)
        diagnosis.take({ ...connection, client: { address: addressOf(client), port: connection.client.port } });
    }
    const churned = diagnosis.findings().filter(({ rule }) => rule === 'churn');
    assert.deepEqual(
      churned.map(({ count }) => count),
      [12 * clients],
    );
  });

  it('memory stays flat', () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const { connections } = tell(lost(0, 0));
    const diagnosis = new Diagnosis();
    const feed = (from: number, to: number): number => {
      for (let n = from; n < to; n++) {
        diagnosis.take({
          ...connections[0]!,
          id: n,
          client: { address: addressOf(n % 60_000), port: 1000 + (n % 60_000) },
          server: { address: addressOf(n % 977), port: 80 },
        });
      }
      collect();
      return process.memoryUsage().heapUsed;
    };
    const before = feed(0, 200_000);
    const after = feed(200_000, 600_000);
    assert.ok(after - before < 8e6, `${Math.round((after - before) / 1e6)} MB more`);
  });
});

describe('the verdict', () => {
  it('names what is wrong, whose it is, what it cost and what to change', () => {
    const { verdict } = tell(each(4, (n) => lost(n, n * 10)).replaceAll('200 body 5', '200 body 5 | Server: gunicorn/20.1'));
    assert.equal(verdict.level, 'bad');
    assert.match(verdict.headline, /^Requests were sent into connections that the server was closing \(10\.0\.0\.2:80/);
    assert.equal(verdict.owner, 'server');
    assert.match(verdict.cost ?? '', /^4 requests lost \(50 % of 8\)/);
    assert.deepEqual([verdict.change?.for, verdict.change?.setting], ['gunicorn', '--keep-alive 65']);
    assert.equal(verdict.finding?.rule, 'stale-reuse');
    assert.match(verdict.ended.text, /the server ended 4/);
  });

  it('names no product that it does not know of', () => {
    assert.equal(tell(lost(0, 0)).verdict.change?.for, 'the server');
  });

  it('says that nothing is wrong, and what that rests on', () => {
    const { verdict } = tell(`
      0 open
      ${each(6, (n) => `${n}.1 >> GET /\n${n}.15 << 200 body 5`)}
      7 >> FIN
      7.1 << FIN`);
    assert.deepEqual(
      [verdict.level, verdict.owner, verdict.cost, verdict.change, verdict.finding],
      ['good', null, null, null, null],
    );
    assert.equal(verdict.headline, 'All 6 requests were answered, and no fault was found');
    assert.deepEqual(
      verdict.notTheCause.map(({ code }) => code),
      ['connections-fine', 'network-fine', 'server-fast', 'reuse-fine'],
    );
  });

  it('splits the waiting', () => {
    const { verdict } = tell(`
      0    open
      0.1  >> GET /slow
      2.1  << 200 body 5`);
    const { clientMs, networkMs, serverMs, text } = verdict.waited;
    assert.equal(Math.round(clientMs + networkMs + serverMs), 2000);
    assert.match(text, /^Mostly the server: 99 % of the 2\.00 s/);
  });

  it('does not blame connections for the answers of the application or of a proxy', () => {
    const { verdict } = tell(`
      0    open
      0.1  >> GET /a
      0.2  << 500 body 5
      0.3  >> GET /b
      0.4  << 504 body 5`);
    const codes = verdict.notTheCause.map(({ code }) => code);
    assert.ok(codes.includes('server-errors') && codes.includes('gateway-errors'));
  });

  it('admits what a one-sided capture cannot tell', () => {
    const { verdict, findings } = tell(`
      0    >> SYN
      0.1  >> ACK
      0.2  >> GET /a
      5.2  >> GET /b`);
    assert.match(verdict.limits.join(' '), /only one side was captured/);
    assert.deepEqual(
      findings.filter(({ level }) => level === 'bad'),
      [],
    );
  });

  it('has nothing to say without connections', () => {
    assert.deepEqual([tell('').verdict.level, tell('').verdict.headline], ['unknown', 'No TCP connection was captured']);
  });
});

describe('inferences', () => {
  it('tell the measured idle timeout beside the announced one, and the order of timeouts', () => {
    const { diagnosis } = tell(
      each(
        4,
        (n) => `
        #${n} ${n * 10}     open
        #${n} ${n * 10}.1   >> GET /
        #${n} ${n * 10}.15  << 200 body 5 | Keep-Alive: timeout=5, max=100
        #${n} ${n * 10 + 2}.15 >> GET /
        #${n} ${n * 10 + 2}.2  << 200 body 5 | Keep-Alive: timeout=5, max=99
        #${n} ${n * 10 + 7}.2  << FIN
        #${n} ${n * 10 + 7}.3  >> FIN`,
      ),
    );
    const [server] = diagnosis.inferences();
    assert.equal(Math.round(server?.idleTimeout?.ms ?? 0), 5000);
    assert.deepEqual([server?.idleTimeout?.count, server?.idleTimeout?.of], [4, 4]);
    assert.deepEqual(server?.idleTimeout?.defaultOf, ['Node.js', 'Apache httpd', 'uvicorn', 'Varnish']);
    assert.deepEqual([server?.announcedSeconds, server?.announcementHolds, server?.announcedMaximum], [5, true, 100]);
    assert.equal(Math.round(server?.survivedMs ?? 0), 2000);
    const [client] = server?.clients ?? [];
    assert.deepEqual([client?.order, client?.connections, client?.requestsPerConnection], ['wrong', 4, 2]);
    assert.equal(Math.round(client?.marginMs ?? 0), 3000);
    assert.deepEqual([client?.timeWait.server, client?.timeWait.client], [4, 0]);
  });

  it('tell what reuse saved and could have saved', () => {
    const { diagnosis } = tell(
      each(
        10,
        (n) => `
        #${n} ${n}     open
        #${n} ${n}.1   >> GET /
        #${n} ${n}.15  << 200 body 5
        #${n} ${n}.16  >> FIN
        #${n} ${n}.2   << FIN`,
      ),
    );
    const [server] = diagnosis.inferences();
    const { savedHandshakes, avoidableHandshakes, avoidableMs, meanHandshakeMs } = server?.reuse ?? {};
    assert.deepEqual([savedHandshakes, avoidableHandshakes], [0, 9]);
    assert.equal(Math.round(meanHandshakeMs ?? 0), 20);
    assert.equal(Math.round(avoidableMs ?? 0), 180);
    assert.deepEqual([server?.clients[0]?.timeWait.clientPeak, server?.clients[0]?.timeWait.portsLeft], [10, 28_222]);
  });
});
