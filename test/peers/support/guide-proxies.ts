/** The proxies of docs/guides/proxies.md: as written there, without TLS, and with the addresses of a test. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { readGuide } from '../../docs/support/guides.ts';
import { freePort } from '../../support/free-port.ts';
import { startNginx } from './nginx.ts';
import { folder, run } from './program.ts';

export const GUIDE_PROXIES = ['nginx', 'caddy', 'haproxy'] as const;
export type GuideProxy = (typeof GUIDE_PROXIES)[number];

interface Written {
  language: string;
  /** The line that listens, and other lines of TLS. */
  listens: RegExp;
  listen(port: number): string;
}

const WRITTEN: Record<GuideProxy, Written> = {
  nginx: {
    language: 'nginx',
    listens: /listen 443 ssl;| *ssl_certificate.*;\n/g,
    listen: (port) => `listen 127.0.0.1:${port};`,
  },
  caddy: {
    language: 'caddyfile',
    listens: /sync\.example\.com/,
    listen: (port) => `http://127.0.0.1:${port}`,
  },
  haproxy: {
    language: 'haproxy',
    listens: /bind :443 .*/,
    listen: (port) => `bind 127.0.0.1:${port}`,
  },
};

/** The name that the table of the guide uses for it. */
const NAMES: Record<GuideProxy, string> = { nginx: 'nginx', caddy: 'Caddy', haproxy: 'HAProxy' };

async function configuration(proxy: GuideProxy, port: number, isBelow: boolean): Promise<string> {
  const guide = await readGuide('guides/proxies.md');
  const { language, listens, listen } = WRITTEN[proxy];
  let written = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(guide)?.[1] ?? '';
  if (isBelow) {
    const row = new RegExp(`^\\| ${NAMES[proxy]} \\| \`(.*?)\` \\| \`(.*?)\` \\|$`, 'm').exec(guide);
    const [, replaced = '', by = ''] = row ?? [];
    expect(written, `${proxy}: ${replaced}`).toContain(replaced === '' ? '(no row)' : replaced);
    written = written.replace(replaced, by);
  }
  // The first place listens; the others are lines of certificates.
  let isFirst = true;
  return written.replace(listens, () => {
    const text = isFirst ? listen(port) : '';
    isFirst = false;
    return text;
  });
}

interface Options {
  /** With the changes of the section about a path. */
  isBelow?: boolean;
  /** What /healthz answers through it. */
  health?: number;
}

/** @returns the origin of the proxy */
export async function startGuideProxy(
  proxy: GuideProxy,
  serverUrl: string,
  { isBelow = false, health = 200 }: Options = {},
): Promise<string> {
  const { host, origin } = new URL(serverUrl);
  const probe = { path: isBelow ? '/sync/healthz' : '/healthz', status: health };
  const text = async (port: number) => {
    const written = (await configuration(proxy, port, isBelow)).replaceAll('127.0.0.1:8000', host);
    expect(written).toContain(`127.0.0.1:${port}`);
    expect(written).toContain(host);
    expect(written).not.toMatch(/\b443\b|:8000\b|\bssl\b/);
    return written;
  };
  if (proxy === 'nginx') return startNginx(origin, (_, port) => text(port), probe);
  const [dir, port] = [await folder(), await freePort()];
  const file = join(dir, proxy);
  // Its admin interface has a fixed port.
  await writeFile(file, `${proxy === 'caddy' ? '{ \n admin off \n }\n' : ''}${await text(port)}`);
  if (proxy === 'haproxy') run('haproxy', ['-db', '-f', file]);
  else {
    const env = { ...process.env, HOME: dir, XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir };
    run('caddy', ['run', '--adapter', 'caddyfile', '--config', file], { env });
  }
  const url = `http://127.0.0.1:${port}`;
  await vi.waitFor(async () => expect((await fetch(`${url}${probe.path}`)).status).toBe(health), 10_000);
  return url;
}
