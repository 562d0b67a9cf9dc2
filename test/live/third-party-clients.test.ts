/** Three third-party libraries for Server-Sent Events. chromium.test.ts tests those of Chromium. */
import { EventSource } from 'eventsource';
import { createEventSource } from 'eventsource-client';
import { EventSource as LaunchDarklyEventSource } from 'launchdarkly-eventsource';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { test } from '../support/database.ts';
import { openExternalWriter } from '../support/external-writer.ts';
import { freePort } from '../support/free-port.ts';
import { startTestServer } from '../support/server.ts';

interface Received {
  id: string;
  type: string;
}

const TYPES = ['snapshot', 'started', 'progress', 'completed'];

/** Each uses the API of its library. @returns a function that closes the client */
const CLIENTS: [name: string, listen: (url: string, onEvent: (event: Received) => void) => () => void][] = [
  [
    'eventsource',
    (url, onEvent) => {
      const source = new EventSource(url);
      for (const type of TYPES)
        source.addEventListener(type, (event) => onEvent({ id: event.lastEventId, type }));
      return () => source.close();
    },
  ],
  [
    'eventsource-client',
    (url, onEvent) => {
      const source = createEventSource({
        url,
        onMessage: ({ id = '', event = '' }) => TYPES.includes(event) && onEvent({ id, type: event }),
      });
      return () => source.close();
    },
  ],
  [
    'launchdarkly-eventsource',
    (url, onEvent) => {
      const source = new LaunchDarklyEventSource(url, {});
      // Without a listener it throws when the server is away, instead of trying again.
      source.addEventListener('error', () => {});
      for (const type of TYPES) {
        source.addEventListener(type, (event: { lastEventId: string }) =>
          onEvent({ id: event.lastEventId, type }),
        );
      }
      return () => source.close();
    },
  ],
];

describe.for(CLIENTS)('%s', ([, listen]) => {
  test('receives every event once, also across a restart of the server', async ({ databaseUrl }) => {
    const port = await freePort();
    const first = await startTestServer(databaseUrl, { organizations: [], config: { port, drainMs: 0 } });
    const { begin, step, end } = openExternalWriter(databaseUrl);
    const received: Received[] = [];
    const close = listen(`${first.url}/api/v1/cliniko/sync-logs/55/events`, (event) => received.push(event));
    onTestFinished(close);
    await vi.waitFor(() => expect(received).toHaveLength(1), { timeout: 5_000 });
    await begin();
    for (let n = 0; n < 5; n++) await step();
    await vi.waitFor(() => expect(received).toHaveLength(7), { timeout: 5_000 });
    await first.stop();
    for (let n = 0; n < 5; n++) await step();
    const second = await startTestServer(databaseUrl, {
      organizations: [],
      cliniko: first.cliniko,
      config: { port, drainMs: 0 },
    });
    expect(second.url).toBe(first.url);
    await end();
    await vi.waitFor(() => expect(received.at(-1)?.type).toBe('completed'), {
      timeout: 15_000,
      interval: 20,
    });

    expect(received.map(({ id }) => Number(id.split('.')[1]))).toEqual(
      Array.from({ length: 13 }, (_, n) => n),
    );
    expect(received.map(({ type }) => type)).toEqual([
      'snapshot',
      'started',
      ...Array(10).fill('progress'),
      'completed',
    ]);
  });
});
