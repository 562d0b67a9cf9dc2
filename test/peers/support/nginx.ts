/** A real nginx in front of a server, for one test. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { freePort } from './free-port.ts';
import { folder, run } from './program.ts';

/** As written without knowledge of streams: `proxy_pass`, and every default. */
const plainSite = (upstream: string, port: number) =>
  `server { listen 127.0.0.1:${port}; location / { proxy_pass ${upstream}; proxy_set_header Host localhost; } }`;

/** That of the guide, with the addresses of the test instead of its own, and without TLS, which needs a certificate. */
export async function siteOfGuide(upstream: string, port: number): Promise<string> {
  const guide = await readFile(new URL('../../../docs/guides/scaling.md', import.meta.url), 'utf8');
  const written = /```nginx\n(.*?)```/s.exec(guide)?.[1] ?? '';
  const replaced = written
    .replace('listen 443 ssl;', `listen 127.0.0.1:${port};`)
    .replace(/ *ssl_certificate.*;\n/g, '')
    .replace('server 127.0.0.1:8000;', `server ${new URL(upstream).host};`);
  expect(replaced).toContain('proxy_pass');
  expect(replaced).not.toMatch(/ssl|:8000/);
  return replaced;
}

/** @param health what /healthz is answered with through it */
export async function startNginx(
  upstream: string,
  site: (upstream: string, port: number) => string | Promise<string> = plainSite,
  health = 200,
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
  await vi.waitFor(async () => expect((await fetch(`${url}/healthz`)).status).toBe(health), 5_000);
  return url;
}
