/** Programs as users of the old service wrote them: an admin panel's API class, a panel behind a proxy, and pollers. */
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { launchChromium } from '../browser/support/chromium.ts';
import { NEW, type OldService, SYNCED, test, untilEnded } from './support/old-service.ts';

const FIVE_HEADERS = 'authorization,content-type,accept,x-requested-with,x-organization-id';

describe('the API class of a browser panel', () => {
  test('passes the preflight with its five headers, for the panel and for no other origin', async ({
    service,
  }) => {
    const preflight = (origin: string, method: string) =>
      fetch(`${service.url}/api/v1/sync/dashboard/${SYNCED}`, {
        method: 'OPTIONS',
        headers: {
          origin,
          'access-control-request-method': method,
          'access-control-request-headers': FIVE_HEADERS,
        },
      });
    for (const method of ['GET', 'POST', 'DELETE']) {
      const { ok, headers } = await preflight(service.panel, method);
      expect(ok).toBe(true);
      expect(headers.get('access-control-allow-origin')).toBe(service.panel);
      expect(headers.get('access-control-allow-methods')).toContain(method);
      const allowed = (headers.get('access-control-allow-headers') ?? '').toLowerCase().split(/, ?/);
      expect(allowed).toEqual(expect.arrayContaining(FIVE_HEADERS.split(',')));
    }
    const foreign = await preflight('https://other.example', 'GET');
    expect(foreign.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('runs in Chromium across origins, and shows a sync from its start to its end', async ({ service }) => {
    const browser = await launchChromium();
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.goto(service.panel);
    const token = await service.token({ scope: 'sync', organizations: [NEW] });
    const settings = { baseUrl: service.url, organizationId: NEW, token };
    const result = await page.evaluate(panelScript(), settings);
    expect(result).toMatchObject({ services: 'cliniko', mode: 'full', total: 60, last: 'completed' });
    expect(result.percentages.at(-1)).toBe(100);
    expect(result.percentages).toEqual([...result.percentages].sort((one, other) => one - other));
  });
});

interface PanelSettings {
  baseUrl: string;
  organizationId: number;
  token: string;
}

interface PanelResult {
  services: string;
  mode: string;
  total: number;
  last: string;
  percentages: number[];
}

/** Runs in the page, so it refers to nothing outside itself. */
function panelScript() {
  return async ({ baseUrl, organizationId, token }: PanelSettings): Promise<PanelResult> => {
    class SyncApi {
      async request(path: string, options: RequestInit = {}) {
        const response = await fetch(`${baseUrl}/api/v1${path}`, {
          ...options,
          headers: {
            Authorization: `Bearer ${token}`,
            'Content-Type': 'application/json',
            Accept: 'application/json',
            'X-Requested-With': 'XMLHttpRequest',
            'x-organization-id': String(organizationId),
          },
        });
        if (!response.ok) throw new Error(`HTTP ${response.status}`);
        return await response.json();
      }
      services = () => this.request(`/admin/organization-services/${organizationId}`);
      start = () => this.request(`/sync/start/${organizationId}?sync_mode=full`, { method: 'POST' });
      progress = (id: string) => this.request(`/sync/progress/${id}`);
      dashboard = () => this.request(`/sync/dashboard/${organizationId}`);
    }
    const api = new SyncApi();
    const { primary_service: services } = await api.services();
    const { sync_id, sync_mode: mode } = await api.start();
    const percentages: number[] = [];
    for (;;) {
      const progress = await api.progress(sync_id);
      percentages.push(progress.progress_percentage);
      if (['completed', 'failed', 'cancelled'].includes(progress.status)) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    const dashboard = await api.dashboard();
    const { total_patients: total } = dashboard.patient_stats;
    return { services, mode, total, last: dashboard.last_sync.status, percentages };
  };
}

/** The proxy routes of a Next.js panel: its pages send no token, and the proxy adds it. */
async function startProxy(service: OldService, token: string): Promise<string> {
  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    const target = `${service.url}${(request.url ?? '').replace(/^\/api\/backend/, '')}`;
    const { host: _host, connection: _connection, ...headers } = request.headers;
    const ours = { ...headers, authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.9' };
    const upstream = httpRequest(target, { method: request.method, headers: ours }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    response.on('close', () => upstream.destroy());
    request.pipe(upstream);
  };
  const proxy = createServer(forward);
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/api/backend`;
}

describe('a panel behind its own proxy routes', () => {
  test('starts a sync and follows the stream through the proxy to its end', async ({ service }) => {
    const proxy = await startProxy(service, await service.token({ scope: 'sync', organizations: [NEW] }));
    const stream = await fetch(`${proxy}/api/v1/cliniko/sync-logs/${NEW}/events`);
    expect(stream.headers.get('content-type')).toContain('text/event-stream');
    const started = await fetch(`${proxy}/api/v1/cliniko/sync-all/${NEW}`, { method: 'POST' });
    expect(started.status).toBe(200);
    const { sync_log_id } = await started.json();
    const events = await readUntil(stream, `event: completed`);
    expect(events).toContain('event: started');
    expect(events).toContain(`"sync_log_id":${sync_log_id}`);
    const polled = await (await fetch(`${proxy}/api/v1/cliniko/sync-logs/${NEW}?limit=1`)).json();
    expect(polled.logs[0]).toMatchObject({
      id: sync_log_id,
      status: 'completed',
      metadata: { step: 'completed' },
    });
  });
});

async function readUntil({ body }: Response, words: string): Promise<string> {
  let text = '';
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  while (reader !== undefined && !text.includes(words)) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  await reader?.cancel();
  return text;
}

describe('a panel that polls every answer with If-None-Match', () => {
  test('gets 304 while nothing happens, and each state of a sync', async ({ service }) => {
    const paths = [`/dashboard/${NEW}`, `/sync/dashboard/${NEW}`, `/cliniko/status/${NEW}`];
    const panel = createPoller(service);
    // What a dashboard shows grows older by itself: it says how many minutes ago each run ended.
    vi.useFakeTimers({ toFake: ['Date'] });
    onTestFinished(() => void vi.useRealTimers());
    for (const path of paths) await panel.poll(path);
    for (const path of paths) expect(await panel.poll(path), path).toBe(304);
    vi.useRealTimers();
    await service.ask('POST', `/sync/start/${NEW}?sync_mode=full`);
    const ended = untilEnded(service, NEW);
    let isRunning = true;
    void ended.finally(() => {
      isRunning = false;
    });
    while (isRunning) {
      for (const path of paths) await panel.poll(path);
      await delay(20);
    }
    await ended;
    for (const path of paths) await panel.poll(path);
    expect(panel.shown(paths[0])).toMatchObject({ recent_activity: { 0: { status: 'completed' } } });
    expect(panel.shown(paths[1])).toMatchObject({ current_sync: null, last_sync: { status: 'completed' } });
    expect(panel.shown(paths[2])).toMatchObject({ total_patients: 60, sync_status: 'completed' });
  });
});

function createPoller(service: OldService) {
  const known = new Map<string | undefined, { etag: string; body: unknown }>();
  return {
    async poll(path: string): Promise<number> {
      const etag = known.get(path)?.etag;
      const { status, headers, body } = await service.ask('GET', path, {
        ...(etag !== undefined && { 'if-none-match': etag }),
      });
      if (status === 200) known.set(path, { etag: headers.get('etag') ?? '', body });
      return status;
    },
    shown: (path: string | undefined) => known.get(path)?.body,
  };
}

describe('metadata.step', () => {
  test('is the same in the stream, the poll and the table, and never goes back', async ({ service }) => {
    const stream = await fetch(`${service.url}/api/v1/cliniko/sync-logs/${NEW}/events`, {
      headers: { authorization: `Bearer ${service.admin}` },
    });
    await service.ask('POST', `/cliniko/sync-all/${NEW}`);
    const text = await readUntil(stream, 'event: completed\n');
    await untilEnded(service, NEW);
    const [row] = await service.database.sql<{ id: number; step: string }[]>`
      select id, metadata ->> 'step' as step from sync_logs where organization_id = ${NEW} order by id desc limit 1`;
    const steps = [...text.matchAll(/^data: (.*)$/gm)]
      .map(([, json = '{}']) => JSON.parse(json).log)
      .filter((log) => log?.id === row?.id)
      .map((log) => log.metadata.step);
    const order = [
      'initializing',
      'checking_config',
      'validating_credentials',
      'fetching_patients',
      'storing_patients',
      'checking_deletions',
      'completed',
    ];
    const positions = steps.map((step) => order.indexOf(step));
    expect(positions).not.toContain(-1);
    expect(positions).toEqual([...positions].sort((one, other) => one - other));
    expect(steps).toContain('storing_patients');
    const { body } = await service.ask('GET', `/cliniko/sync-logs/${NEW}?limit=1`);
    expect(body).toMatchObject({ logs: [{ id: row?.id, metadata: { step: row?.step } }] });
    expect(row?.step).toBe('completed');
  });
});
