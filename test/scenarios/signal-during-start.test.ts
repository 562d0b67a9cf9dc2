/** A signal while the embedded PostgreSQL starts: the process ends, and no PostgreSQL outlives it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { builtEntry } from '../support/build-server.ts';
import { newDataDir, postmasterPid } from '../support/embedded.ts';

interface Starting {
  child: ChildProcess;
  output(): string;
  exit: Promise<unknown>;
}

/** In a process group of its own, as a terminal starts a program. */
function start(environment: Record<string, string>, entry: string, ...args: string[]): Starting {
  const child = spawn(process.execPath, [builtEntry(entry), ...args], {
    env: { ...process.env, PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += chunk));
  const exit = once(child, 'close').then(([code, signal]) => code ?? signal);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return { child, exit, output: () => output };
}

async function untilPostgresStarts(dataDir: string): Promise<void> {
  await vi.waitFor(async () => expect(await postmasterPid(dataDir)).toBeDefined(), {
    timeout: 30_000,
    interval: 5,
  });
}

describe('a signal during the start', () => {
  test.for([
    ['main', [], 'SIGTERM'],
    ['main', [], 'SIGINT'],
    ['main', [], 'SIGHUP'],
    ['cli/demo', ['--port', '0'], 'SIGINT'],
    ['cli/demo', ['--port', '0'], 'SIGHUP'],
  ] as const)('of %s %j: %s exits 0 and stops PostgreSQL', async ([entry, args, signal]) => {
    const dataDir = await newDataDir();
    const { child, exit, output } = start({ DATA_DIR: dataDir }, entry, ...args);
    await untilPostgresStarts(dataDir);
    child.kill(signal);
    // npm passes the signal of a terminal on, so it comes twice.
    child.kill(signal);
    expect(await exit).toBe(0);
    expect(await postmasterPid(dataDir)).toBeUndefined();
    expect(output()).not.toMatch(/did not start|failed/);
  });

  test('of a server that still creates its cluster leaves no PostgreSQL either', async () => {
    const dataDir = await newDataDir();
    const { child, exit, output } = start({ DATA_DIR: dataDir }, 'main');
    await vi.waitFor(() => expect(output()).toContain('using the embedded PostgreSQL'), 20_000);
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(await postmasterPid(dataDir)).toBeUndefined();
  });

  test.for([
    ['tokens', ['list'], 'SIGINT', 130],
    ['tokens', ['list'], 'SIGTERM', 143],
    ['migrate', [], 'SIGTERM', 143],
    ['erase', ['--org', '1', '--patient', '1'], 'SIGINT', 130],
    ['doctor', [], 'SIGHUP', 129],
    ['import-legacy', ['--from', 'postgres://u:p@127.0.0.1:1/d', '--map', 'a=1'], 'SIGINT', 130],
  ] as const)('of the command %s %j: %s ends it and stops PostgreSQL', async ([name, args, signal, code]) => {
    const dataDir = await newDataDir();
    const { child, exit, output } = start({ DATA_DIR: dataDir }, `cli/${name}`, ...args);
    await untilPostgresStarts(dataDir);
    child.kill(signal);
    child.kill(signal);
    expect(await exit).toBe(code);
    expect(await postmasterPid(dataDir)).toBeUndefined();
    expect(output()).toContain(`DATABASE_URL is not set: using the embedded PostgreSQL under ${dataDir}\n`);
    expect(output()).not.toMatch(/failed|refused|ERROR/);
  });
});

test('a signal while a server waits for an answer of DATABASE_URL exits 0 without the wait', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const environment = {
    DATABASE_URL: `postgres://u:p@127.0.0.1:${port}/d`,
    CREDENTIALS_KEY: Buffer.alloc(32).toString('base64'),
    DRAIN_MS: '60000',
  };
  const { child, exit } = start(environment, 'main');
  await once(silent, 'connection');
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
}, 20_000);
