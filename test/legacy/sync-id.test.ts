/** Sync ids of the old progress API: derived from a run's start, the same on every server, never ambiguous. */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { formatSyncId, parseSyncId } from '../../src/legacy/sync-id.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';

const organizationId = fc.integer({ min: 1, max: 2_147_483_647 });
const startedAt = fc.date({
  min: new Date('1970-01-01T00:00:00.000Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});

test('an id reads back as the organization, the second and the log that it was made of', () => {
  fc.assert(
    fc.property(
      organizationId,
      startedAt,
      fc.option(organizationId, { nil: undefined }),
      (id, at, suffix) => {
        const text = formatSyncId(id, at.toISOString(), suffix);
        const second = `${at.toISOString().slice(0, 19)}Z`;
        expect(parseSyncId(text)).toEqual({ organizationId: id, startedAt: second, syncLogId: suffix });
      },
    ),
  );
});

test('text of any other form is no sync id', () => {
  for (const text of [
    '',
    'sync_',
    'sync_0_20260101_000000',
    'sync_1_00000101_000000',
    'sync_1_20260631_000000',
    'sync_1_20260101_250000',
  ]) {
    expect(parseSyncId(text), text).toBeUndefined();
  }
  expect(parseSyncId('sync_2147483648_20260101_000000')).toBeUndefined();
  expect(parseSyncId('sync_1_20260101_000000_0')).toBeUndefined();
  fc.assert(fc.property(fc.string(), (text) => parseSyncId(text) === undefined));
});

describe('two runs that start in one second', () => {
  test('have an id each, and both stay valid when the first is deleted', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    const insert = (ms: number) => sql<{ id: number }[]>`
      insert into sync_logs (organization_id, operation_type, status, started_at, completed_at)
      values (123, 'full_patients', 'completed', ${`2026-03-04 05:06:07.${ms}`}::text::timestamp, '2026-03-04 05:06:09') returning id`;
    const [first] = await insert(100);
    const [second] = await insert(900);
    const ids = ['sync_123_20260304_050607', `sync_123_20260304_050607_${second?.id}`];
    const status = async (id = '') => {
      const response = await server.api(`/sync/status/${id}`);
      return { status: response.status, body: (await response.json()) as Record<string, unknown> };
    };
    expect(await status(ids[0])).toMatchObject({ status: 200, body: { sync_id: ids[0] } });
    expect(await status(ids[1])).toMatchObject({ status: 200, body: { sync_id: ids[1] } });
    await sql`delete from sync_logs where id = ${first?.id ?? 0}`;
    expect((await status(ids[1])).status).toBe(200);
    expect((await status('sync_123_20260304_050608')).status).toBe(404);
    expect((await status('nonsense')).status).toBe(404);
  });
});

describe('a run of another program that started at a time without a year of four digits', () => {
  test('is found by the id that names it', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    const times = [
      '-infinity',
      '0044-03-15 BC',
      '0001-01-01',
      '9999-12-31 23:59:59.9',
      '12026-01-01',
      'infinity',
    ];
    for (const [index, time] of times.entries()) {
      const organization = 300 + index;
      const [row] = await sql<{ id: number }[]>`
        insert into sync_logs (organization_id, operation_type, status, started_at)
        values (${organization}, 'nightly', 'running', ${time}::text::timestamp), (${organization}, 'nightly', 'success', ${time}::text::timestamp)
        returning id`;
      const { active_syncs } = await (await server.api('/sync/active')).json();
      const { sync_id } = active_syncs.find(
        (one: { organization_id: number }) => one.organization_id === organization,
      );
      const named = await (await server.api(`/sync/status/${sync_id}`)).json();
      expect(named, time).toMatchObject({ organization_id: organization, status: 'running', sync_id });
      const later = await (await server.api(`/sync/status/${sync_id}_${(row?.id ?? 0) + 1}`)).json();
      expect(later, time).toMatchObject({ status: 'completed', sync_id: `${sync_id}_${(row?.id ?? 0) + 1}` });
      const forced = await server.api(`/sync/force-cancel/${sync_id}`, { method: 'DELETE' });
      expect(forced.status, time).toBe(200);
    }
    expect(await (await server.api('/sync/active')).json()).toMatchObject({ total_active: 0 });
  });
});
