/** The proxies of the moving guide, which add a token for clients that cannot send one. */
import { writeFile } from 'node:fs/promises';
import { BlockList } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { OURS, startGuardedServer, THEIRS } from '../access/support/guarded-server.ts';
import { readGuide } from '../docs/support/guides.ts';
import { test } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { openStream } from '../support/stream.ts';
import { folder, run } from './support/program.ts';

interface Site {
  /** The address of the server, without a scheme. */
  upstream: string;
  port: number;
  token: string;
  /** The network whose clients it lets in. */
  network: string;
}

/** As written in the guide, with the addresses of the test instead of its own. */
async function configurationOf(language: 'nginx' | 'caddy', { upstream, port, network }: Site) {
  const guide = await readGuide('guides/moving-from-the-old-system.md');
  const written = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(guide)?.[1] ?? '';
  expect(written).toContain('127.0.0.1:8000');
  return written
    .replaceAll('127.0.0.1:8000', upstream)
    .replaceAll('10.0.0.5', '127.0.0.1')
    .replaceAll('10.0.0.0/8', network)
    .replaceAll(':8080', `:${port}`);
}

const PROXIES: Record<'nginx' | 'caddy', (site: Site) => Promise<void>> = {
  async nginx(site) {
    const dir = await folder();
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (name) => `${name}_temp_path ${join(dir, name)};`,
    );
    await writeFile(join(dir, 'token.conf'), `proxy_set_header Authorization "Bearer ${site.token}";`);
    const configuration = (await configurationOf('nginx', site))
      .replace('/etc/nginx/patient-sync-token.conf', join(dir, 'token.conf'))
      .replace('http {', `http { access_log off; ${temporary.join(' ')}`);
    const file = join(dir, 'nginx.conf');
    await writeFile(file, `daemon off; master_process off; pid ${join(dir, 'pid')}; ${configuration}`);
    run('nginx', ['-p', dir, '-c', file, '-e', 'stderr']);
  },
  async caddy(site) {
    const dir = await folder();
    const file = join(dir, 'Caddyfile');
    await writeFile(file, await configurationOf('caddy', site));
    const env = { ...process.env, PATIENT_SYNC_TOKEN: site.token, HOME: dir, XDG_DATA_HOME: dir };
    run('caddy', ['run', '--adapter', 'caddyfile', '--config', file], { env });
  },
};

describe.for(['nginx', 'caddy'] as const)('%s as the moving guide configures it', (program) => {
  test('lets an old client in without a token, to its organization and to old paths only', async ({
    databaseUrl,
  }) => {
    const trusted = new BlockList();
    trusted.addAddress('127.0.0.1');
    const panel = 'https://panel.example.com';
    const server = await startGuardedServer(databaseUrl, {
      patients: 20,
      config: { trustedProxies: trusted, allowedOrigins: [panel] },
    });
    const token = await server.token({ scope: 'sync' });
    const site = {
      upstream: new URL(server.url).host,
      port: await freePort(),
      token,
      network: '127.0.0.0/8',
    };
    await PROXIES[program](site);
    const url = `http://127.0.0.1:${site.port}`;
    await vi.waitFor(async () => expect((await fetch(`${url}/health`)).status).toBe(200), 20_000);

    // A script, and a page of another origin with its preflight.
    const start = await fetch(`${url}/api/v1/cliniko/sync-all/${OURS}`, { method: 'POST' });
    expect(start.status).toBe(200);
    const preflight = await fetch(`${url}/api/v1/cliniko/sync-logs/${OURS}`, {
      method: 'OPTIONS',
      headers: {
        origin: panel,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization,x-organization-id',
      },
    });
    expect(preflight.headers.get('access-control-allow-origin')).toBe(panel);
    // The token of the old back end does not reach the server.
    const stream = await openStream(`${url}/api/v1/cliniko/sync-logs/${OURS}/events`, {
      authorization: 'Bearer of-the-old-system',
    });
    onTestFinished(() => stream.close());
    await stream.until((sent) => sent.some(({ event }) => event === 'completed' || event === 'snapshot'));
    await vi.waitFor(async () => {
      const { logs } = await (await fetch(`${url}/api/v1/cliniko/sync-logs/${OURS}?limit=1`)).json();
      expect(logs[0]).toMatchObject({ status: 'completed', records_success: 20 });
    }, 20_000);

    expect((await fetch(`${url}/api/v1/cliniko/sync-logs/${THEIRS}`)).status).toBe(403);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    expect((await fetch(`${url}/`)).status).toBe(404);
    expect((await fetch(`${server.url}/api/v1/cliniko/sync-logs/${OURS}`)).status).toBe(401);
  });

  test('lets no client of another network in', async ({ databaseUrl }) => {
    const server = await startGuardedServer(databaseUrl);
    const token = await server.token({ scope: 'sync' });
    const site = { upstream: new URL(server.url).host, port: await freePort(), token, network: '10.0.0.0/8' };
    await PROXIES[program](site);
    await vi.waitFor(async () => {
      const answer = await fetch(`http://127.0.0.1:${site.port}/api/v1/cliniko/sync-logs/${OURS}`);
      expect([403, 404]).toContain(answer.status);
    }, 20_000);
  });
});
