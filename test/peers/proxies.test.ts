/** Programs that stand between us and others: nginx with its default buffering, curl, and pgbouncer that pools transactions. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, vi } from 'vitest';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { openStranger } from '../support/stranger.ts';
import { hasEnded, openStream } from '../support/stream.ts';
import { freePort } from './support/free-port.ts';
import { startPgbouncer } from './support/pgbouncer.ts';
import { folder, run } from './support/program.ts';

/** As somebody would write it who knows nothing of streams: `proxy_pass`, and every default. */
async function startNginx(upstream: string): Promise<string> {
  const [dir, port] = [await folder(), await freePort()];
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(dir, name)};`,
  );
  const config = `daemon off; master_process off; pid ${join(dir, 'pid')}; error_log stderr;
    events {} http { access_log off; ${paths.join(' ')}
    server { listen 127.0.0.1:${port}; location / { proxy_pass ${upstream}; proxy_set_header Host localhost; } } }`;
  await writeFile(join(dir, 'nginx.conf'), config);
  run('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', 'stderr']);
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(async () => expect((await fetch(`${url}/healthz`)).status).toBe(200), 5_000);
  return url;
}

describe('nginx with its default buffering', () => {
  test('passes each event on when it happens, and a stream goes on behind its cursor', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const address = `${await startNginx(server.url)}/api/v1/cliniko/sync-logs/55/events`;
    const { begin, step, end } = openStranger(databaseUrl);
    const stream = await openStream(address);
    await stream.until((sent) => sent.length === 2);
    await begin();
    for (let n = 3; n <= 8; n++) {
      await stream.until((sent) => sent.length === n);
      await step();
    }
    await end();
    const sent = [...(await stream.until(hasEnded))];

    const resumed = await openStream(address, { 'last-event-id': sent[4]?.id ?? '' });
    expect((await resumed.until(hasEnded)).slice(1)).toEqual(sent.slice(5));
  });
});

describe('curl', () => {
  test('shows a stream as it comes', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const curl = run('curl', ['-sN', `${server.url}/api/v1/cliniko/sync-logs/55/events`]);
    let text = '';
    curl.stdout?.on('data', (chunk) => (text += chunk));
    const { begin } = openStranger(databaseUrl);
    await vi.waitFor(() => expect(text).toContain('event: snapshot'), 5_000);
    await begin();
    await vi.waitFor(() => expect(text).toContain('event: started'), 5_000);
  });
});

describe('pgbouncer that pools transactions', () => {
  test('carries everything but LISTEN, which has a connection of its own', async ({ databaseUrl }) => {
    const pooled = await startPgbouncer(databaseUrl);
    const server = await startTestServer(pooled, {
      patients: 250,
      config: { listenDatabaseUrl: databaseUrl },
    });
    const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
    await stream.until((sent) => sent.length === 2);
    await server.api('/cliniko/sync-all/123', { method: 'POST' });
    const sent = await stream.until(hasEnded);

    const seqs = sent.slice(2).map(({ id }) => Number(id?.split('.')[1]));
    expect(sent.at(-1)?.event).toBe('completed');
    expect(seqs).toEqual(seqs.map((_, n) => n + 1));
    const ready = await (await fetch(`${server.url}/readyz`)).json();
    expect(ready).toMatchObject({ checks: { listener: true } });
  });

  test('without one the start ends, and says what to set', async ({ databaseUrl }) => {
    const pooled = await startPgbouncer(databaseUrl);
    await expect(startTestServer(pooled, { organizations: [] })).rejects.toThrow('LISTEN_DATABASE_URL');
  });
});
