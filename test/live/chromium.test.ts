/** The EventSource and WebSocket of Chromium, without our client. */
import { describe, expect, vi } from 'vitest';
import { test } from '../browser/support/test.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { freePort } from '../support/free-port.ts';
import { startTestServer } from '../support/server.ts';

const TYPES = ['snapshot', 'started', 'progress', 'completed'];

describe("Chromium's own EventSource and WebSocket", () => {
  test('receive the same events, and the EventSource resumes automatically after a restart of the server', async ({
    databaseUrl,
    page,
  }) => {
    const port = await freePort();
    const first = await startTestServer(databaseUrl, { organizations: [], config: { port, drainMs: 0 } });
    const { begin, step, end } = openExternalWriter(databaseUrl);
    await page.goto(`${first.url}/healthz`);
    await page.evaluate((types) => {
      const received: string[] = [];
      const frames: string[] = [];
      const source = new EventSource('/api/v1/cliniko/sync-logs/55/events');
      for (const type of types) source.addEventListener(type, (event) => received.push(event.data));
      const socket = new WebSocket('/api/v1/cliniko/ws?organizations=55', 'patient-sync.v1');
      socket.addEventListener('message', ({ data }) => frames.push(data));
      Object.assign(globalThis, { received, frames });
    }, TYPES);
    const read = (name: 'received' | 'frames') =>
      page.evaluate((list): string[] => Reflect.get(globalThis, list), name);
    const isEvent = (text: string) => TYPES.includes(JSON.parse(text).type);
    await vi.waitFor(async () => {
      expect(await read('received')).toHaveLength(1);
      expect((await read('frames')).filter(isEvent)).toHaveLength(1);
    }, 10_000);
    await begin();
    for (let n = 0; n < 5; n++) await step();
    await vi.waitFor(async () => expect(await read('received')).toHaveLength(7), 10_000);
    await vi.waitFor(async () => {
      expect((await read('frames')).filter(isEvent).slice(1)).toEqual((await read('received')).slice(1));
    }, 10_000);

    await first.stop();
    for (let n = 0; n < 3; n++) await step();
    await startTestServer(databaseUrl, {
      organizations: [],
      cliniko: first.cliniko,
      config: { port, drainMs: 0 },
    });
    await end();
    await vi.waitFor(async () => expect(await read('received')).toHaveLength(11), 15_000);
    const seqs = (await read('received')).map((text) => JSON.parse(text).seq);
    expect(seqs).toEqual(Array.from({ length: 11 }, (_, n) => n));
  });
});
