/** Canaries: no output of a real server process holds a token, a key or patient data, even at the most verbose level. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { WebSocket } from 'ws';
import { StreamToken } from '#contract/access.ts';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { builtEntry } from '../support/build-server.ts';
import { connectInTest, test } from '../support/database.ts';
import { hasEnded, openStream } from '../support/stream.ts';

const KEY = Buffer.alloc(32, 11).toString('base64');

const run = (environment: NodeJS.ProcessEnv, ...args: string[]) =>
  promisify(execFile)(process.execPath, [builtEntry('cli/tokens'), ...args], {
    env: environment,
  });

function start(environment: NodeJS.ProcessEnv): { child: ChildProcess; written(): string } {
  const child = spawn(process.execPath, [builtEntry('main')], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let written = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (written += chunk));
  return { child, written: () => written };
}

describe('what a server writes', () => {
  test('holds no token, no key and no patient, and the command line shows a token once', async ({
    databaseUrl,
  }) => {
    const cliniko = await startClinikoSimulator({
      patients: 60,
      requestsPerMinute: Number.POSITIVE_INFINITY,
    });
    onTestFinished(() => cliniko.close());
    const environment = {
      ...process.env,
      DATABASE_URL: databaseUrl,
      CREDENTIALS_KEY: KEY,
      AUTH: 'tokens',
      PORT: '0',
      LOG_LEVEL: 'trace',
      LOG_FORMAT: 'json',
      CLINIKO_BASE_URL: cliniko.url,
    };
    const created = await run(
      environment,
      'create',
      '--name',
      'Canary',
      '--organizations',
      '*',
      '--scope',
      'admin',
    );
    const token = created.stdout.trim();
    expect(token).toMatch(/^pst_[\w-]{43}$/);
    const listed = await run(environment, 'list');
    expect(listed.stdout).toMatch(/^1\tvalid\tadmin\t\*\t.*\tCanary\t$/m);
    expect(listed.stdout).not.toContain(token.slice(4));
    const server = start(environment);
    const url = await vi.waitFor(
      () =>
        /listens on (http:[^\s"]+)/.exec(server.written())?.[1] ??
        Promise.reject(new Error(server.written())),
      { timeout: 20_000 },
    );

    const headers = { authorization: `Bearer ${token}` };
    const ask = (path: string, init: RequestInit = {}) => fetch(url + path, { ...init, headers });
    await ask('/api/v1/organizations/5', { method: 'PUT', body: '{}' });
    const body = JSON.stringify({ api_key: cliniko.apiKey });
    await ask('/api/v1/organizations/5/cliniko-credentials', { method: 'PUT', body });
    await ask('/api/v1/organizations/5/cliniko-credentials/verify', { method: 'POST' });
    const answer = await ask('/api/v1/stream-tokens', { method: 'POST', body: '{}' });
    const { token: streamToken } = StreamToken.parse(await answer.json());
    const stream = await openStream(`${url}/api/v1/cliniko/sync-logs/5/events?token=${streamToken}`);
    const socket = new WebSocket(
      `${url.replace('http', 'ws')}/api/v1/cliniko/ws?organizations=*&token=${streamToken}`,
    );
    await once(socket, 'message');
    await ask('/api/v1/cliniko/sync-all/5', { method: 'POST' });
    await stream.until(hasEnded);
    // Where secrets do not belong, and where something goes wrong with them.
    await ask(`/api/v1/nothing?token=${token}`);
    await ask(`/api/v1/cliniko/sync-logs/${token}`);
    await ask('/api/v1/organizations/5', { method: 'PUT', body: `{"${token}": 1}` });
    await fetch(`${url}/api/v1/organizations?token=${streamToken}`, {
      headers: { authorization: `Bearer x${token}` },
    });
    const sql = connectInTest(databaseUrl);
    const patients = await sql<{ email: string | null; phone: string | null; name: string }[]>`
      select email, phone, first_name || ' ' || last_name as name from patients`;
    await sql`alter table organizations rename to hidden`;
    expect((await ask('/api/v1/organizations')).status).toBe(500);
    await sql`alter table hidden rename to organizations`;
    server.child.kill('SIGTERM');
    await once(server.child, 'exit');

    const written = server.written();
    expect(written).toContain('"route":"/api/v1/cliniko/sync-all/:orgId"');
    expect(written).toContain('A request failed');
    expect(patients.length).toBeGreaterThan(50);
    const people = patients.flatMap(({ email, phone, name }) =>
      [email, phone, name].filter((text) => text !== null),
    );
    const password = new URL(databaseUrl).password;
    const canaries = [
      token.slice(4),
      streamToken,
      streamToken.split('.')[2] ?? '',
      KEY,
      cliniko.apiKey,
      ...people,
    ];
    for (const canary of [...canaries, ...(password === '' ? [] : [password])]) {
      expect(canary).not.toBe('');
      expect(written.includes(canary), canary).toBe(false);
    }
    const revoked = await run(environment, 'revoke', '--id', '1');
    expect(revoked.stdout).toContain('revoked');
  });

  test('is one line when the command line is wrong', async () => {
    const environment = { ...process.env, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x' };
    const wrong = [
      [],
      ['create', '--name', 'x'],
      ['create', '--name', 'x', '--organizations', '0'],
      ['revoke'],
    ];
    await Promise.all(
      wrong.map((args) => expect(run(environment, ...args)).rejects.toMatchObject({ code: 2 })),
    );
  });
});
