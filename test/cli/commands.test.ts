/** `npm run sync` and `npm run watch` as real processes, against a real server. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';

interface Command {
  child: ChildProcess;
  output(): string;
  errors(): string;
  exit: Promise<number | null>;
  says(text: string | RegExp): Promise<void>;
}

function run(name: string, ...args: string[]): Command {
  const child = spawn(process.execPath, ['--import', 'tsx', `src/cli/${name}.ts`, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [output, errors] = ['', ''];
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (errors += chunk));
  const exit = once(child, 'close').then(([code]) => code);
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  return {
    child,
    exit,
    output: () => output,
    errors: () => errors,
    says: (text) => vi.waitFor(() => expect(output).toMatch(text), { timeout: 20_000, interval: 20 }),
  };
}

/** Answers every request with the same problem, and keeps what it was asked. */
async function startRefusingServer(status: number, detail: string) {
  const authorizations: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    authorizations.push(request.headers.authorization);
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ status, code: 'NOT_ALLOWED', detail }));
  });
  server.on('upgrade', (request, socket) => {
    authorizations.push(request.headers.authorization);
    socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\n\r\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, authorizations };
}

describe('npm run sync', () => {
  test('shows a sync in plain lines in a pipe, and ends with it: 0 completed, 1 failed', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { latencyMs: 30 });
    const first = run('sync', '--org', '123', '--url', `${server.url}/`);
    expect(await first.exit).toBe(0);
    const lines = first.output().trim().split('\n');
    expect(lines[0]).toMatch(/^Sync started \(organization 123, run \d+\)$/);
    expect(lines.at(-1)).toBe('Sync completed: 648/648 patients (100% success)');
    expect(lines.filter((line) => /^Progress: \d+\.\d% - \d+/.test(line)).length).toBeGreaterThan(3);
    expect(first.output()).not.toContain('\x1b');

    server.cliniko.behaviour.access = 'unauthorised';
    const second = run('sync', '--org', '123', '--url', server.url, '--mode', 'active');
    expect(await second.exit).toBe(1);
    expect(second.output()).toContain('Invalid Cliniko credentials. Please update your API settings.');
  });

  test('goes on through a restart of its server', async ({ databaseUrl }) => {
    const first = await startTestServer(databaseUrl, { latencyMs: 400, config: { drainMs: 0 } });
    const sync = run('sync', '--org', '123', '--url', first.url);
    await sync.says(/Progress: [1-9]/);
    await first.stop();
    const port = Number(new URL(first.url).port);
    await startTestServer(databaseUrl, { cliniko: first.cliniko, organizations: [], config: { port } });
    expect(await sync.exit).toBe(0);
    const percents = [...sync.output().matchAll(/Progress: ([\d.]+)%/g)].map(([, percent]) =>
      Number(percent),
    );
    expect(percents).toEqual([...percents].sort((one, other) => one - other));
  });

  test.for([
    [['--org', '0'], '--org must be a whole number'],
    [['--org', '1', '--mode', 'half'], '--mode must be full, active or changed'],
    [[], '--org is missing.'],
    [['--organisation', '1'], 'Usage: npm run sync'],
  ] as const)('ends with 2 when it is called wrongly: %j', async ([args, message]) => {
    const command = run('sync', ...args);
    expect(await command.exit).toBe(2);
    expect(command.errors()).toContain(message);
  });

  test.for(['sync', 'watch', 'tokens', 'demo', 'erase'])('tells how %s is used when asked', async (name) => {
    const command = run(name, '--help');
    expect(await command.exit).toBe(0);
    expect(command.output()).toMatch(/^Usage: npm run /);
    expect(command.errors()).toBe('');
  });

  test('ends with 1 and a plain word when nobody answers, or refuses', async () => {
    const nobody = run('sync', '--org', '1', '--url', 'http://127.0.0.1:1');
    const refusing = await startRefusingServer(403, 'This token does not hold organization 1.');
    const refused = run('sync', '--org', '1', '--url', refusing.url, '--token', 'secret');
    expect(await nobody.exit).toBe(1);
    expect(nobody.errors()).toBe('No server answers at http://127.0.0.1:1. Start one: npm start\n');
    expect(await refused.exit).toBe(1);
    expect(refused.errors()).toBe('This token does not hold organization 1.\n');
    expect(refusing.authorizations).toEqual(['Bearer secret']);
  });
});

describe('npm run watch', () => {
  test('shows the runs of one organization, whoever starts them, until Ctrl-C', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 60 });
    const watch = run('watch', '--org', '123', '--url', server.url);
    await watch.says('This organization has never synced.\n');
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    await watch.says('Sync completed: 60/60 patients (100% success)\n');
    server.cliniko.behaviour.access = 'unauthorised';
    await server.api('/cliniko/sync-active/123', { method: 'POST' });
    await watch.says('Invalid Cliniko credentials.');
    watch.child.kill('SIGINT');
    expect(await watch.exit).toBe(0);
    expect(watch.output()).not.toContain('\x1b');
  });

  test('shows all organizations, through a restart of the server, until Ctrl-C', async ({ databaseUrl }) => {
    const organizations = [1, 2];
    const first = await startTestServer(databaseUrl, { organizations, patients: 20, config: { drainMs: 0 } });
    const watch = run('watch', '--all', '--url', first.url);
    await watch.says('Watching all organizations.\n');
    await first.api('/cliniko/sync-all/1', { method: 'POST' });
    await watch.says('1: Sync completed: 20/20 patients (100% success)\n');
    await first.stop();
    await watch.says('The connection is lost; trying again.\n');

    const port = Number(new URL(first.url).port);
    const again = { cliniko: first.cliniko, organizations: [], config: { port } };
    const second = await startTestServer(databaseUrl, again);
    await second.api('/cliniko/sync-all/2', { method: 'POST' });
    await watch.says('2: Sync completed: 20/20 patients (100% success)\n');
    watch.child.kill('SIGINT');
    expect(await watch.exit).toBe(0);
    expect(watch.output().match(/1: Sync completed/g)).toHaveLength(1);
  });

  test('ends with 2 when it is called wrongly, and with 1 when nobody answers, or refuses', async () => {
    const refusing = await startRefusingServer(401, 'Send a token.');
    const commands = [
      run('watch'),
      run('watch', '--org', '1', '--all'),
      run('watch', '--all', '--url', 'http://127.0.0.1:1'),
      run('watch', '--org', '1', '--url', 'http://127.0.0.1:1'),
      run('watch', '--all', '--url', refusing.url, '--token', 'secret'),
      run('watch', '--org', '1', '--url', refusing.url),
    ];
    expect(await Promise.all(commands.map(({ exit }) => exit))).toEqual([2, 2, 1, 1, 1, 1]);
    const errors = commands.map((command) => command.errors());
    expect(errors[0]).toContain('Give either --org or --all.');
    expect(errors[2]).toContain('No server answers at http://127.0.0.1:1.');
    expect(errors[3]).toContain('No server answers at http://127.0.0.1:1.');
    expect(errors[4]).toContain('The server answered 401.');
    expect(errors[5]).toBe('Send a token.\n');
    expect(refusing.authorizations).toContain('Bearer secret');
  });
});
