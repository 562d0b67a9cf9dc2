/**
 * The oracle test: every pushed state equals the result of a poll at that `seq`, through any sequence of faults.
 *
 * It runs two server processes, continuous writers, and clients of every kind that reconnect with their cursors. fast-check
 * generates the sequence of faults, and shrinks a failing one (it prints its seed): disconnected clients, killed servers,
 * terminated database sessions, also those of the listeners.
 */
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import type { Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { connectInTest, test } from '../support/database.ts';
import {
  type ReconnectingClient,
  watchByPoll,
  watchBySocket,
  watchBySse,
} from '../support/reconnecting-client.ts';
import { logTextOf } from '../support/sent-event.ts';
import { openServerPair, type ServerPair } from '../support/server-pair.ts';
import { readTimeline } from '../support/timeline.ts';
import type { Shown } from '../support/viewer.ts';

/** Changes by all writers together between two faults. */
const CHANGES_BETWEEN = 24;
/** After so many changes a run ends, and the next begins. */
const CHANGES_OF_A_RUN = 30;

interface Environment {
  servers: ServerPair;
  clients: readonly ReconnectingClient[];
  /** The connection of the test itself, which no fault terminates. */
  sql: Sql;
  /** Resolves after further changes by the writers. */
  goOn(): Promise<void>;
}

type Fault = fc.AsyncCommand<object, Environment>;

function fault(name: string, inject: (environment: Environment) => unknown): Fault {
  return {
    check: () => true,
    async run(_, environment) {
      await inject(environment);
      await environment.goOn();
    },
    toString: () => name,
  };
}

const which = fc.constantFrom(0 as const, 1 as const);

const FAULTS: fc.Arbitrary<Fault>[] = [
  fc.nat(20).map((n) => fault(`cut client ${n}`, ({ clients }) => clients[n % clients.length]?.cut())),
  which.map((n) => fault(`cut all of server ${n}`, ({ servers }) => servers.cut(n))),
  which.map((n) => fault(`kill server ${n}`, ({ servers }) => servers.replace(n, 'SIGKILL'))),
  which.map((n) => fault(`restart server ${n}`, ({ servers }) => servers.replace(n, 'SIGTERM'))),
  fc.constantFrom('listener', 'live', 'bus').map((name) =>
    fault(
      `end the sessions of each ${name}`,
      ({ sql }) => sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = ${`patient-sync ${name}`}`,
    ),
  ),
  fc.nat(50).map((n) =>
    fault(
      `end session ${n}`,
      ({ sql }) => sql`with others as (
          select pid, row_number() over (order by pid) - 1 as place, count(*) over () as many
          from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid())
        select pg_terminate_backend(pid) from others where place = ${n} % many`,
    ),
  ),
];

/** Simulates other programs, one for each organization. Faults may terminate their sessions too. */
function startWriters(databaseUrl: string, organizations: readonly number[]) {
  const sql = connectInTest(databaseUrl, { max: organizations.length, backoff: () => 0.02 });
  let written = 0;
  let stopped = false;
  const change = (id: number, n: number) => {
    if (n % CHANGES_OF_A_RUN === 0)
      return sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc'
        where organization_id = ${id} and status = 'running'`;
    if (n % CHANGES_OF_A_RUN === 1)
      return sql`insert into sync_logs (organization_id, operation_type, status, started_at)
        values (${id}, 'by_hand', 'running', now() at time zone 'utc')`;
    return sql`update sync_logs set records_processed = records_processed + 1
      where organization_id = ${id} and status = 'running'`;
  };
  const write = async (id: number): Promise<void> => {
    for (let n = 1; !stopped; n++) {
      // A terminated session may or may not have written. The log decides.
      const { count } = await change(id, n).catch(() => ({ count: 0 }));
      written += count;
      await delay(2);
    }
  };
  const writing = organizations.map(write);
  return {
    async goOn(): Promise<void> {
      const before = written;
      await vi.waitFor(() => expect(written).toBeGreaterThanOrEqual(before + CHANGES_BETWEEN), {
        timeout: 10_000,
        interval: 2,
      });
    },
    async stop(): Promise<void> {
      stopped = true;
      await Promise.all(writing);
      await sql.end({ timeout: 1 });
    },
  };
}

function openClients({ addresses }: ServerPair, organizations: readonly number[]): ReconnectingClient[] {
  const [here, there] = addresses;
  const [one = 0] = organizations;
  const orders = [
    [here, there],
    [there, here],
  ];
  return [
    ...organizations.flatMap((id) => orders.map((order, n) => watchBySse(`SSE ${n} of ${id}`, order, id))),
    ...orders.map((order, n) => watchBySocket(`socket ${n} by name`, order, organizations)),
    ...orders.map((order, n) => watchBySocket(`socket ${n} of everything`, order, '*')),
    ...addresses.map((address, n) => watchByPoll(`polls of server ${n}`, address, one)),
  ];
}

/** The expected envelope of each `seq` of an organization, from the log. */
async function readExpected(sql: Sql, organizationId: number): Promise<ReadonlyMap<number, string>> {
  const runs = await sql<
    { id: number }[]
  >`select id from sync_logs where organization_id = ${organizationId}`;
  const timelines = await Promise.all(runs.map(({ id }) => readTimeline(sql, organizationId, id)));
  const envelopes = timelines.flatMap(({ events }) => events);
  const oracle = new Map(envelopes.map((text) => [Number(/"seq":(\d+)/.exec(text)?.[1]), text]));
  const counted = await sql<{ seq: string; done: string }[]>`select seq, row ->> 'records_processed' as done
    from sync_events where organization_id = ${organizationId} order by seq`;
  expect(counted.map(({ seq }) => Number(seq))).toEqual(range(1, counted.length));
  for (const { seq, done } of counted)
    expect(oracle.get(Number(seq))).toContain(`"records_processed":${done},`);
  return oracle;
}

/** @returns the number of compared states */
function compare(name: string, shown: readonly Shown[], oracle: ReadonlyMap<number, string>): number {
  const seqs = shown.map(({ seq }) => seq);
  const [first] = shown;
  if (first?.kind === 'poll') expect(seqs, name).toEqual(seqs.toSorted((one, other) => one - other));
  else expect(seqs, name).toEqual(range(first?.seq ?? 0, seqs.at(-1) ?? 0));
  if (first?.kind === 'event') expect(first.seq, name).toBe(1);
  for (const { seq, kind, text } of shown) {
    if (kind === 'event') expect(text, name).toBe(oracle.get(seq));
    else if (kind === 'poll')
      expect(text.startsWith(`{"logs":[${logAt(oracle, seq) ?? ''}],"organization_id":`), name).toBe(true);
    else expect(logTextOf(text), name).toBe(logAt(oracle, seq) ?? 'null');
  }
  return shown.length;
}

/** Undefined at 0, before the first change. */
function logAt(oracle: ReadonlyMap<number, string>, seq: number): string | undefined {
  if (seq === 0) return undefined;
  const envelope = oracle.get(seq);
  if (envelope === undefined) throw new Error(`The log knows nothing of ${seq}.`);
  return logTextOf(envelope);
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => from + n);

describe('every pushed state', () => {
  test('equals the poll at that seq, through any sequence of faults', { timeout: 200_000 }, async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    const servers = await openServerPair(databaseUrl);
    let compared = 0;
    let plays = 0;
    let injected = 0;
    const play = async (faults: Iterable<Fault>): Promise<void> => {
      plays += 1;
      const organizations = range(plays * 10, plays * 10 + 2);
      const writers = startWriters(databaseUrl, organizations);
      await writers.goOn();
      const clients = openClients(servers, organizations);
      const environment = { servers, clients, sql, goOn: writers.goOn };
      try {
        await fc.asyncModelRun(() => ({ model: {}, real: environment }), faults);
        await writers.stop();
        for (const id of organizations)
          compared += await compareAll(clients, id, await readExpected(sql, id));
        injected += [...faults].length;
        expect(clients.flatMap(({ lost }) => lost)).toEqual([]);
      } finally {
        await writers.stop();
        for (const client of clients) client.leave();
      }
    };
    const faults = fc.commands(FAULTS, { maxCommands: 24, size: 'max' });
    await fc.assert(fc.asyncProperty(faults, play), {
      numRuns: 6,
      // Only shrinking a failure takes so long; the smallest sequence found by then is reported.
      interruptAfterTimeLimit: 150_000,
      markInterruptAsFailure: true,
    });
    await servers.settled();
    // About five clients see each change between two faults.
    expect(compared).toBeGreaterThan(CHANGES_BETWEEN * injected);
  });
});

/** Waits until each client of the organization has reached the head of the log. */
async function compareAll(
  clients: readonly ReconnectingClient[],
  id: number,
  oracle: ReadonlyMap<number, string>,
): Promise<number> {
  let compared = 0;
  for (const { name, shown } of clients.filter((client) => client.watches(id))) {
    await vi.waitFor(() => expect(shown.get(id)?.at(-1)?.seq, name).toBe(oracle.size), {
      timeout: 30_000,
      interval: 5,
    });
    compared += compare(`${name}, organization ${id}`, shown.get(id) ?? [], oracle);
  }
  return compared;
}
