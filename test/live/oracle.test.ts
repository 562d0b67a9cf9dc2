/**
 * The oracle: every state that is pushed equals what a poll returned at that `seq`, whatever is killed meanwhile.
 *
 * fast-check makes up the order of writes and disasters and shrinks a failing one: clients that are cut and come back with
 * their cursor, sessions of the database that are ended, the listener among them, servers that stop and start.
 */
import fc from 'fast-check';
import { describe, expect, vi } from 'vitest';
import { StreamEvent } from '../../src/contract/stream-event.ts';
import { readSyncLogs } from '../../src/events/sync-logs.ts';
import { createTestDatabase, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { openStranger } from '../support/stranger.ts';
import { logTextOf, type OpenStream, openStream } from '../support/stream.ts';

const CLIENTS = 12;

type Act =
  | { kind: 'write'; changes: number }
  | { kind: 'cut client'; client: number }
  | { kind: 'end sessions'; of: 'listener' | 'live' | 'all' }
  | { kind: 'restart server'; server: 0 | 1 };

const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('write' as const), changes: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('cut client' as const), client: fc.nat(CLIENTS - 1) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('end sessions' as const),
      of: fc.constantFrom('listener' as const, 'live' as const, 'all' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restart server' as const),
      server: fc.constantFrom(0 as const, 1 as const),
    }),
  },
);

/** One client that comes back with its cursor, to one server or the other, and keeps what it was sent. */
function createClient(first: number, address: (server: number) => string) {
  const received: { seq: number; log: string; type: string }[] = [];
  let current: OpenStream | undefined;
  let taken = 0;
  let cursor: string | undefined;
  let server = first;

  const collect = (): void => {
    for (const { id, data, event } of current?.events.slice(taken) ?? []) {
      taken += 1;
      if (id === undefined) continue;
      cursor = id;
      received.push({
        seq: StreamEvent.parse(JSON.parse(data)).seq,
        log: logTextOf(data),
        type: event ?? '',
      });
    }
  };
  const open = async (): Promise<void> => {
    current = await vi.waitFor(
      () => openStream(address(server), cursor === undefined ? {} : { 'last-event-id': cursor }),
      { timeout: 10_000, interval: 20 },
    );
    taken = 0;
    const mine = current;
    // The server ended it (a goodbye, a restart): a client comes back by itself.
    void mine.ended.then(() => (mine === current ? reopen() : undefined));
  };
  const reopen = async (): Promise<void> => {
    collect();
    server = 1 - server;
    await open().catch(() => {});
  };
  return {
    received,
    open,
    async cut(): Promise<void> {
      const old = current;
      collect();
      current = undefined;
      old?.close();
      server = 1 - server;
      await open();
    },
    async reach(seq: number): Promise<void> {
      await vi.waitFor(
        () => {
          collect();
          expect(received.at(-1)?.seq).toBe(seq);
        },
        { timeout: 15_000, interval: 10 },
      );
      const last = current;
      current = undefined;
      last?.close();
    },
  };
}

async function play(acts: readonly Act[]): Promise<number> {
  const home = await createTestDatabase();
  const oracle = new Map<number, string>();
  const stranger = openStranger(home.url);
  const options = { organizations: [], config: { drainMs: 0 } };
  const servers: TestServer[] = [await startTestServer(home.url, options)];
  servers.push(
    await startTestServer(home.url, { ...options, ...(servers[0] && { cliniko: servers[0].cliniko }) }),
  );
  const consult = async (): Promise<number> => {
    const { head, logs } = await readSyncLogs(stranger.sql, 55, { limit: 1 });
    oracle.set(head, logs[0] ?? 'null');
    return head;
  };
  const write = async (n: number): Promise<void> => {
    if (n % 17 === 0) await stranger.end();
    else if (n % 17 === 1) await stranger.begin();
    else await stranger.step();
    await consult();
  };
  let writes = 0;
  const disasters = {
    write: async ({ changes }: Act & { kind: 'write' }) => {
      for (let n = 0; n < changes; n++) await write(++writes);
    },
    'cut client': ({ client }: Act & { kind: 'cut client' }) => clients[client]?.cut(),
    'end sessions': async ({ of }: Act & { kind: 'end sessions' }) => {
      await stranger.sql`select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
        and application_name like ${of === 'all' ? 'patient-sync%' : `patient-sync ${of}`}`;
    },
    'restart server': async ({ server }: Act & { kind: 'restart server' }) => {
      await servers[server]?.stop();
      servers[server] = await startTestServer(home.url, {
        ...options,
        ...(servers[0] && { cliniko: servers[0].cliniko }),
      });
    },
  };
  const address = (server: number) => `${servers[server]?.url}/api/v1/cliniko/sync-logs/55/events`;
  const clients = Array.from({ length: CLIENTS }, (_, n) => createClient(n % 2, address));
  try {
    await consult();
    await Promise.all(clients.map((client) => client.open()));
    for (const one of acts) await vi.waitFor(() => disasters[one.kind](one as never), { timeout: 10_000 });
    await write(++writes);
    const head = await consult();
    for (const client of clients) await client.reach(head);
    for (const { received } of clients) {
      const changes = received.filter(({ type }) => type !== 'snapshot');
      const [first] = changes;
      expect(changes.map(({ seq }) => seq)).toEqual(changes.map((_, n) => (first?.seq ?? 0) + n));
      for (const { seq, log } of received) expect(log).toBe(oracle.get(seq));
    }
    return clients.reduce((sum, { received }) => sum + received.length, 0);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await stranger.sql.end({ timeout: 1 });
    await home.drop();
  }
}

describe('every pushed state', () => {
  test('is what a poll returned at that seq, through any order of kills', { timeout: 60_000 }, async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 12, maxLength: 40 }), async (acts) => {
        compared += await play(acts);
      }),
      { numRuns: 8, interruptAfterTimeLimit: 15_000, markInterruptAsFailure: false },
    );
    expect(compared).toBeGreaterThan(500);
  });
});
