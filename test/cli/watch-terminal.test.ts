/**
 * `holdfast watch` on a terminal: a real one, made by script(1). Keys do what they should, the screen follows the size, and whatever
 * ends it, the terminal is as before: its own screen, its cursor, its mode.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { captureOf, conversation, temporaryFile } from './run-command.js';

const enter = '\x1b[?1049h';
const leave = '\x1b[?1049l';
const canScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') === true;
/** Nothing here takes long; what hangs is a failure. */
const timeout = 60_000;
const skip = canScript ? false : 'no script(1) of util-linux here';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-terminal-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Three conversations, then ten minutes of nothing: whatever is tested happens in that silence. */
const capture = temporaryFile(
  'terminal.pcap',
  captureOf(
    conversation({ clientPort: 40_001 }),
    conversation({ clientPort: 40_002, startSeconds: 2, status: '503 Service Unavailable' }),
    conversation({ clientPort: 40_003, startSeconds: 3, ending: 'reset' }),
    conversation({ clientPort: 40_004, startSeconds: 700 }),
  ),
);

interface Terminal {
  readonly child: ChildProcess;
  /** Everything that was written to the terminal. */
  written(): string;
  /** Of holdfast itself. */
  readonly pid: number;
  readonly path: string;
  type(keys: string): void;
  /** Waits until this was written, after what was written when it was last waited for. */
  until(pattern: RegExp): Promise<void>;
  /** Waits for the end; gives what `stty -a` says behind it, and the exit code. */
  ended(): Promise<{ readonly mode: string; readonly code: number }>;
}

let terminals = 0;

interface TerminalOptions {
  readonly columns?: number;
  readonly rows?: number;
  readonly before?: string;
}

/** Starts it, and waits for the first frame with all three connections. */
async function open({ columns = 80, rows = 24, before = '' }: TerminalOptions = {}): Promise<Terminal> {
  const name = join(folder, `t${terminals++}`);
  const command = [
    `stty cols ${columns} rows ${rows}`,
    `tty > ${name}.tty`,
    `cd ${folder}`,
    // In the foreground, or it could not read keys: a shell tells its number and becomes it.
    `sh -c 'echo $$ > ${name}.pid; exec ${before} ${process.execPath} ${resolve('bin/holdfast.js')} watch --read ${capture} --speed 30'`,
  ];
  const script = `${command.join('; ')}; echo "exit=$?" > ${name}.code; stty -a > ${name}.stty`;
  const child = spawn('script', ['-qec', script, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C.UTF-8', TERM: 'xterm-256color', SHELL: '/bin/sh', NO_COLOR: '1' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  // Each wait listens for the end too.
  child.setMaxListeners(0);
  child.stdout!.setMaxListeners(0);
  let text = '';
  let from = 0;
  child.stdout!.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const until = async (pattern: RegExp): Promise<void> => {
    for (;;) {
      const found = pattern.exec(text.slice(from));
      if (found !== null) {
        from += found.index + found[0].length;
        return;
      }
      assert.equal(child.exitCode, null, `ended without ${pattern}: ${JSON.stringify(text.slice(-2000))}`);
      await Promise.race([once(child.stdout!, 'data'), once(child, 'exit')]);
    }
  };
  for (const part of [/3 ended/, /#2 /]) {
    from = 0;
    await until(part);
  }
  from = text.length;
  return {
    child,
    written: () => text,
    pid: Number(readFileSync(`${name}.pid`, 'utf8')),
    path: readFileSync(`${name}.tty`, 'utf8').trim(),
    type: (keys) => child.stdin!.write(keys),
    until,
    async ended() {
      if (child.exitCode === null) await once(child, 'exit');
      return {
        mode: existsSync(`${name}.stty`) ? readFileSync(`${name}.stty`, 'utf8') : '',
        code: Number(/exit=(\d+)/.exec(readFileSync(`${name}.code`, 'utf8'))?.[1]),
      };
    },
  };
}

/** The other screen was left as often as it was entered, the cursor is shown, lines are edited and echoed as before. */
function checkRestored(terminal: Terminal, mode: string): void {
  const written = terminal.written();
  assert.ok(written.includes(enter));
  assert.equal(written.split(leave).length, written.split(enter).length, 'as often left as entered');
  assert.ok(written.lastIndexOf(leave) > written.lastIndexOf(enter));
  assert.ok(written.lastIndexOf('\x1b[?25h') > written.lastIndexOf('\x1b[?25l'), 'the cursor is shown');
  assert.ok(written.lastIndexOf('\x1b[?7h') > written.lastIndexOf('\x1b[?7l'), 'lines wrap');
  for (const setting of ['icanon', 'isig', 'echo', 'icrnl'])
    assert.match(mode, new RegExp(`(^|[ ;])${setting}\\b`, 'm'), setting);
  for (const setting of ['icanon', 'isig', 'echo', 'icrnl']) assert.doesNotMatch(mode, new RegExp(`-${setting}\\b`), setting);
}

for (const [name, keys] of [
  ['q', 'q'],
  ['Ctrl-C', '\x03'],
] as const) {
  test(`${name} restores the terminal and leaves the summary`, { skip, timeout }, async () => {
    const terminal = await open();
    terminal.type(keys);
    const { mode, code } = await terminal.ended();
    assert.equal(code, 0);
    checkRestored(terminal, mode);
    assert.match(terminal.written().slice(terminal.written().lastIndexOf(leave)), /connections?, 3 requests, 2 responses/);
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} restores the terminal`, { skip, timeout }, async () => {
    const terminal = await open();
    process.kill(terminal.pid, signal);
    const { mode, code } = await terminal.ended();
    assert.equal(code, 0);
    checkRestored(terminal, mode);
  });
}

test('an exception that nobody catches restores the terminal, and is seen', { skip, timeout }, async () => {
  const bomb = temporaryFile('bomb.mjs', "process.on('SIGUSR2', () => { throw new Error('of the test'); });");
  const terminal = await open({ before: `env NODE_OPTIONS=--import=${bomb}` });
  process.kill(terminal.pid, 'SIGUSR2');
  const { mode, code } = await terminal.ended();
  assert.notEqual(code, 0);
  checkRestored(terminal, mode);
  assert.match(terminal.written().slice(terminal.written().lastIndexOf(leave)), /Error: of the test/);
});

test('stopped and continued: the screen is left and taken again', { skip, timeout }, async () => {
  const terminal = await open();
  process.kill(terminal.pid, 'SIGTSTP');
  await terminal.until(/\?1049l/);
  const stateOf = (): string => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${terminal.pid}/status`, 'utf8'))?.[1] ?? '';
  while (stateOf() !== 'T') await new Promise((done) => setImmediate(done));
  process.kill(terminal.pid, 'SIGCONT');
  await terminal.until(/\?1049h/);
  await terminal.until(/3 ended/);
  terminal.type('q');
  const { mode, code } = await terminal.ended();
  assert.equal(code, 0);
  checkRestored(terminal, mode);
});

test('a terminal that is gone ends it', { skip, timeout }, async () => {
  const terminal = await open();
  terminal.child.kill('SIGKILL');
  const isThere = (): boolean => {
    try {
      process.kill(terminal.pid, 0);
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${terminal.pid}/status`, 'utf8'));
    } catch {
      return false;
    }
  };
  while (isThere()) await new Promise((done) => setTimeout(done, 20));
});

test('keys: ladder, help, summary, filter, pause', { skip, timeout }, async () => {
  const terminal = await open({ columns: 160, rows: 60 });
  terminal.type('j');
  await terminal.until(/>/);
  terminal.type('\r');
  await terminal.until(/packet +s .*client.*server/);
  terminal.type('?');
  await terminal.until(/its ladder, as it grows/);
  terminal.type('f');
  await terminal.until(/summary of what has ended/);
  terminal.type('/');
  await terminal.until(/filter: _/);
  terminal.type('http.response.code == 503\r');
  await terminal.until(/filter http\.response\.code == 503/);
  terminal.type('/\x15nonsense ==\r');
  await terminal.until(/unknown field/);
  terminal.type(' ');
  await terminal.until(/PAUSED/);
  terminal.type(' s');
  await terminal.until(/most to tell first/);
  terminal.type('q');
  const { mode } = await terminal.ended();
  checkRestored(terminal, mode);
});

test('w writes what is on the screen, without colours', { skip, timeout }, async () => {
  const terminal = await open();
  terminal.type('w');
  await terminal.until(/written to holdfast-watch-[\d-]+\.txt/);
  terminal.type('q');
  await terminal.ended();
  const saved = readdirSync(folder).find((name) => name.endsWith('.txt'))!;
  const text = readFileSync(join(folder, saved), 'utf8');
  assert.match(text, /#2 /);
  assert.match(text, /#0 /);
  assert.ok(!text.includes('\x1b'));
});

for (const [columns, rows] of [
  [10, 3],
  [1, 1],
  [200, 60],
] as const) {
  test(`follows the terminal to ${columns} by ${rows}`, { skip, timeout }, async () => {
    const terminal = await open();
    const before = terminal.written().length;
    spawnSync('stty', ['-F', terminal.path, 'cols', String(columns), 'rows', String(rows)]);
    // stty changes one after the other, so a frame between is of neither size: it has to come to fit.
    const fits = (): boolean => {
      const codes = terminal.written().slice(before).split('\x1b[');
      const newest = codes.slice(codes.lastIndexOf('2J'));
      const drawn = newest.flatMap((code, place) => {
        const row = /^(\d+);1H$/.exec(code)?.[1];
        return row === undefined ? [] : [{ row: Number(row), text: newest[place + 1]!.replace(/^2K/, '') }];
      });
      return codes.includes('2J') && drawn.length > 0 && drawn.every(({ row, text }) => row <= rows && text.length <= columns);
    };
    while (!fits()) await terminal.until(/\?2026l/);
    terminal.type('q');
    const { mode, code } = await terminal.ended();
    assert.equal(code, 0);
    checkRestored(terminal, mode);
  });
}
