/** `npm start` as a real process: start, shared database, and shutdown. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { builtEntry } from '../support/build-server.ts';
import { test as testWithDatabase } from '../support/database.ts';
import { newDataDir } from '../support/embedded.ts';
import { openStream } from '../support/stream.ts';

interface Started {
  child: ChildProcess;
  output(): string;
  errors(): string;
  /** Resolves with the address, once it listens. */
  url(): Promise<string>;
  exit: Promise<number | null>;
}

function start(command: string[], environment: Record<string, string>): Started {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    env: { ...process.env, LOG_FORMAT: 'pretty', PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (errors += chunk));
  const exit = once(child, 'exit').then(([code]) => code);
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) endGroup(child, 'SIGKILL');
    await exit;
  });
  return {
    child,
    exit,
    output: () => output,
    errors: () => errors,
    url: () =>
      vi.waitFor(
        () => {
          const url = /listens on (\S+)/.exec(output)?.[1];
          if (url === undefined) throw new Error(`It does not listen yet: ${output}${errors}`);
          return url;
        },
        { timeout: 20_000, interval: 20 },
      ),
  };
}

const SERVER = [process.execPath, builtEntry('main')];

/** The process and everything it started, as a terminal signals. */
function endGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid !== undefined) process.kill(-child.pid, signal);
}

describe('npm start', () => {
  test.for([
    ['SIGTERM', {}],
    ['SIGINT', { CLINIKO_BASE_URL: 'https://cliniko-proxy.example/v1' }],
  ] as const)('says where its data is, and drains on %s to its group', async ([signal, environment]) => {
    const dir = await newDataDir();
    const started = start(['npm', 'start'], { DATA_DIR: dir, ...environment });
    const url = await started.url();
    expect(started.output()).toContain(
      `[INFO] DATABASE_URL is not set: using the embedded PostgreSQL under ${dir}\n`,
    );
    expect(started.output()).toContain('[WARN] CLINIKO_CONTACT_EMAIL is not set.');
    const stream = await openStream(`${url}/api/v1/cliniko/sync-logs/1/events`);
    await stream.until((sent) => sent.length === 2);

    endGroup(started.child, signal);
    expect(await started.exit).toBe(0);
    expect(stream.events.at(-1)?.event).toBe('bye');
  });

  test('shares the database of a second one, and the last takes it down', async () => {
    const dir = await newDataDir();
    const environment = { DATA_DIR: dir, CLINIKO_CONTACT_EMAIL: 'ops@clinic.example' };
    const both = [start(SERVER, environment), start(SERVER, environment)] as const;
    const [first, second] = await Promise.all(both.map((one) => one.url()));
    expect(both[0].output()).not.toContain('[WARN]');
    await fetch(`${first}/api/v1/organizations/7`, { method: 'PUT', body: '{"name": "Shared"}' });
    both[0].child.kill('SIGTERM');
    expect(await both[0].exit).toBe(0);

    expect(await (await fetch(`${second}/api/v1/organizations/7`)).json()).toMatchObject({ name: 'Shared' });
    both[1].child.kill('SIGTERM');
    both[1].child.kill('SIGTERM');
    expect(await both[1].exit).toBe(0);
  });

  test.for([
    [{ PORT: 'x' }, 'PORT must be a whole number from 0 to 65535; it was "x".'],
    [
      {
        DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/d',
        CREDENTIALS_KEY: Buffer.alloc(32).toString('base64'),
      },
      '',
    ],
  ] as const)('that cannot begin says so in one line: %j', async ([environment, message]) => {
    const started = start(SERVER, environment);
    expect(await started.exit).toBe(1);
    expect(started.errors().trim().split('\n')).toHaveLength(1);
    expect(started.errors()).toContain(message);
    expect(started.errors()).not.toContain('secret');
  });

  testWithDatabase('that crashes shows nothing of the data in its error', async ({ databaseUrl }) => {
    // What node would print of an error of PostgreSQL that no code has caught.
    const crash = `process.on('SIGUSR2', () => {
      void Promise.reject(Object.assign(new Error(process.env.DATA), { detail: process.env.DATA }));
    });`;
    const [node = '', entry = ''] = SERVER;
    const started = start([node, '--import', `data:text/javascript,${encodeURIComponent(crash)}`, entry], {
      DATABASE_URL: databaseUrl,
      CREDENTIALS_KEY: Buffer.alloc(32, 7).toString('base64'),
      DATA: 'Failing row contains (1, Quokka).',
    });
    await started.url();
    started.child.kill('SIGUSR2');

    expect(await started.exit).toBe(1);
    expect(started.output()).toContain('[FATAL] A fault of this program ends it.');
    expect(started.output() + started.errors()).not.toContain('Quokka');
  });
});
