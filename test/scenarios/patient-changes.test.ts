/**
 * The log of patient changes, checked by an oracle: copies that follow it while everything that writes patients runs at once.
 *
 * Copies follow the numbered changes, over the poll, the stream and webhooks, and read each patient by its id. Another one reads what has
 * a later `changed_at`. In the end all are equal to the table.
 */
import fc from 'fast-check';
import type { Sql } from 'postgres';
import { describe, expect, vi } from 'vitest';
import { PatientChanges } from '#contract/patient-change.ts';
import { openDatabase } from '../../src/database/open.ts';
import { followChanges } from '../../src/patients/follow-changes.ts';
import { connectInTest, createTestDatabase, test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import {
  createFollower,
  createIncrementalCopy,
  createStreamFollower,
  createWebhookFollower,
  expectEqualCopies,
  readWhile,
} from '../support/patient-copies.ts';
import {
  BY_HAND,
  callers,
  ORGANIZATION,
  runsEnded,
  unlessDeletedOrDeadlocked,
  type Write,
  writeAtOnce,
} from '../support/patient-writers.ts';
import { openServerPair, type ServerPair } from '../support/server-pair.ts';
import { startFailingReceiver } from '../webhooks/support/receiver.ts';

const PATIENCE = { timeout: 20_000, interval: 20 };
const ROUNDS = Number(process.env.PATIENT_CHANGES_ROUNDS ?? 2);

async function play(schedule: Write[][]): Promise<void> {
  const { url, drop } = await createTestDatabase();
  try {
    const engine = await openEngine(url);
    const [foreign, reader] = [openDatabase(url, { max: 4 }), openDatabase(url, { max: 2 })];
    const follower = createFollower(reader.sql, (since, limit) =>
      followChanges(reader.sql, ORGANIZATION, { since, limit }),
    );
    const incremental = createIncrementalCopy(reader.sql);
    await readWhile([follower.read, incremental.read], writeAtOnce(engine, foreign.sql, schedule));

    await expectEqualCopies(reader.sql, [follower], incremental.copy);
    await Promise.all([engine.database.close(), foreign.close(), reader.close()]);
  } finally {
    await drop();
  }
}

/** Asks two servers in turn; a server that is down does not answer. */
function askInTurn(addresses: readonly string[]) {
  let asked = 0;
  const ask = async (since: string, limit: number): Promise<PatientChanges> => {
    const address = addresses[asked++ % addresses.length];
    const response = await fetch(
      `${address}/api/v1/cliniko/patients/${ORGANIZATION}/changes?since=${since}&limit=${limit}`,
    ).catch(() => undefined);
    return response?.ok ? PatientChanges.parse(await response.json()) : ask(since, limit);
  };
  return ask;
}

/** Opens streams at two servers in turn. */
function openInTurn(addresses: readonly string[]) {
  let opened = 0;
  const open = async (last: string): Promise<Response> => {
    const address = addresses[opened++ % addresses.length];
    const response = await fetch(`${address}/api/v1/cliniko/patients/${ORGANIZATION}/changes/stream`, {
      headers: { 'last-event-id': last },
    }).catch(() => undefined);
    return response?.ok ? response : open(last);
  };
  return open;
}

const startSync = ({ addresses }: ServerPair, which: 0 | 1) =>
  vi.waitFor(
    () => fetch(`${addresses[which]}/api/v1/cliniko/sync-all/${ORGANIZATION}`, { method: 'POST' }),
    PATIENCE,
  );

/** One round of changes: in Cliniko with a sync, and by statements of another program. */
async function changeAll(pair: ServerPair, foreign: Sql, round: 0 | 1): Promise<void> {
  const { people } = pair.cliniko;
  const ids = [...people.ids()];
  const some = ids.filter((_, place) => place % 5 === round % 5);
  for (const id of some) people.edit(id, { first_name: `Round ${round}` });
  people.archive(some[0] ?? '');
  people.hardDelete(some[1] ?? '');
  people.add();
  const idOf = (at: number) => some[at] ?? '';
  await foreign`update patients set missing_since = now() where cliniko_patient_id = ${idOf(2)}`;
  await foreign`update patients set archived_at = now() where cliniko_patient_id = ${idOf(3)}`;
  await foreign`delete from patients where cliniko_patient_id = ${idOf(4)}`;
  await startSync(pair, round);
  for (const change of BY_HAND.filter((_, place) => (place + round) % 3 === 0)) {
    await change(foreign, round).catch(unlessDeletedOrDeadlocked);
  }
}

describe('a copy that follows the changes', () => {
  test(`is equal to the table, whatever writes it at once (${ROUNDS} schedules)`, async () => {
    await fc.assert(fc.asyncProperty(callers, play), { numRuns: ROUNDS, endOnFailure: true });
  }, 0);

  test('is equal to the table when two servers answer in turn and both are killed', async ({
    databaseUrl,
  }) => {
    const environment = { WEBHOOKS_ALLOW_LOOPBACK: 'true' };
    const pair = await openServerPair(databaseUrl, { patients: 120, environment });
    const receiver = await startFailingReceiver();
    await fetch(`${pair.addresses[0]}/api/v1/webhooks`, {
      method: 'POST',
      body: JSON.stringify({
        url: receiver.url,
        organizations: [ORGANIZATION],
        events: ['patients.changed'],
      }),
    });
    const [foreign, reader] = [connectInTest(databaseUrl), connectInTest(databaseUrl, { max: 4 })];
    const follower = createFollower(reader, askInTurn(pair.addresses));
    const incremental = createIncrementalCopy(reader);
    const now = await fetch(`${pair.addresses[0]}/api/v1/cliniko/patients/${ORGANIZATION}/changes`);
    const { next } = PatientChanges.parse(await now.json());
    const streaming = createStreamFollower(reader, next, openInTurn(pair.addresses));
    const notified = createWebhookFollower(reader, receiver.taken);
    const work = async () => {
      await startSync(pair, 0);
      await runsEnded(foreign);
      for (const round of [0, 1] as const) {
        await changeAll(pair, foreign, round);
        pair.cut(round === 0 ? 1 : 0);
        pair.replace(round, 'SIGKILL');
        await pair.settled();
        // A server that was killed holds its claims for a minute.
        await foreign`update webhook_deliveries set next_attempt_at = now() where state = 'pending'`;
      }
      await runsEnded(foreign);
    };
    await readWhile([follower.read, streaming.read, notified.read, incremental.read], work());
    await expectEqualCopies(reader, [follower, streaming, notified], incremental.copy);
    expect(new Set(follower.seen.map(({ kind }) => kind)).size).toBeGreaterThan(4);
  });
});
