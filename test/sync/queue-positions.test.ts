/** A run in the queue shows its place, and the place is that of the moment. */
import { describe, expect, vi } from 'vitest';
import type { Database } from '../../src/database/open.ts';
import { readSyncLogs } from '../../src/events/sync-logs.ts';
import { saveOrganization } from '../../src/organizations/organizations.ts';
import { updateQueuePositions } from '../../src/sync/queue-positions.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

async function placeOf(database: Database, organizationId: number): Promise<unknown> {
  const { logs } = await readSyncLogs(database.sql, organizationId, { limit: 1 });
  return JSON.parse(logs[0] ?? 'null').metadata.queue_position;
}

async function startQueue(database: Database, count: number): Promise<number[]> {
  const organizations = Array.from({ length: count }, (_, n) => 200 + n);
  for (const id of organizations) {
    await saveOrganization(database, id, {});
    await startRun(database, id, 'full_patients');
  }
  return organizations;
}

describe('the places of the queue', () => {
  test('move up when a server whose slots are taken takes a run', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const source = scriptedSource(people(10));
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    source.onPage(1, async (query, options) => {
      await answered;
      return scriptedSource(people(10)).page(query, options);
    });
    await engine.start();
    const [second = 0, third = 0] = await startQueue(engine.database, 2);
    expect([await placeOf(engine.database, second), await placeOf(engine.database, third)]).toEqual([2, 3]);
    engine.work(source, { runsAtOnce: 1 });
    await vi.waitFor(async () => {
      expect([await placeOf(engine.database, second), await placeOf(engine.database, third)]).toEqual([1, 2]);
    });
    answer();
    await engine.ended();
  });

  test('are exact up to the tenth, and beyond written again only when halved', async ({ databaseUrl }) => {
    const { database, sql } = await openEngine(databaseUrl);
    const organizations = await startQueue(database, 24);
    const places = async () => await Promise.all(organizations.map((id) => placeOf(database, id)));
    const take = async (count: number) => {
      await sql`update sync_runs set owner = 'other' where sync_log_id in (
        select sync_log_id from sync_runs where owner is null order by created_at limit ${count})`;
      return (await updateQueuePositions(database)).length;
    };
    expect(await take(2)).toBe(10);
    expect((await places()).slice(2)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
    ]);
    // The eleventh showed 22. The ones behind it show less than twice their place.
    expect(await take(9)).toBe(11);
    expect((await places()).slice(11)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 23, 24]);
    await saveOrganization(database, 300, {});
    await startRun(database, 300, 'full_patients');
    expect(await placeOf(database, 300)).toBe(14);
    expect(await updateQueuePositions(database)).toEqual([]);
    // A run that was released in the middle of its work waits too, but shows what it has done.
    await sql`update sync_logs set metadata = metadata - 'queue_position' || '{"phase": "storing"}'
      where organization_id = ${organizations.at(-1) ?? 0}`;
    expect(await updateQueuePositions(database)).toEqual([]);
  });
});
