/** A real nginx in front of a server, for one test. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { freePort } from '../../support/free-port.ts';
import { folder, run } from './program.ts';

/** As written without knowledge of streams: `proxy_pass`, and every default. */
const plainSite = (upstream: string, port: number) =>
  `server { listen 127.0.0.1:${port}; location / { proxy_pass ${upstream}; proxy_set_header Host localhost; } }`;

/** @param health what a probe gets through it */
export async function startNginx(
  upstream: string,
  site: (upstream: string, port: number) => string | Promise<string> = plainSite,
  health = { path: '/healthz', status: 200 },
): Promise<string> {
  const [dir, port] = [await folder(), await freePort()];
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${join(dir, name)};`,
  );
  const config = `daemon off; master_process off; pid ${join(dir, 'pid')}; error_log stderr;
    events {} http { access_log off; ${paths.join(' ')} ${await site(upstream, port)} }`;
  await writeFile(join(dir, 'nginx.conf'), config);
  run('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', 'stderr']);
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(
    async () => expect((await fetch(`${url}${health.path}`)).status).toBe(health.status),
    5_000,
  );
  return url;
}
