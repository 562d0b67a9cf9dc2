/** What the end of a scheduled run plans, by its reason and by what the run reads. */
import { describe, expect } from 'vitest';
import type { OperationType, SyncErrorType } from '#contract/sync-log.ts';
import { saveOrganization } from '../../../src/organizations/organizations.ts';
import { forgetFailures, planAfterFailure } from '../../../src/sync/schedule/second-attempt.ts';
import { test } from '../../support/database.ts';
import { openEngine } from '../../support/engine.ts';

/** Half a day away: a firing that is near would be waited for instead of an attempt. */
const NIGHTLY = { cron: `0 ${(new Date().getUTCHours() + 12) % 24} * * *`, time_zone: 'UTC' };

describe('what follows a failure', () => {
  async function openPlan(databaseUrl: string) {
    const { sql, database } = await openEngine(databaseUrl);
    const settings = (change: object) => saveOrganization(database, 123, change);
    await settings({ schedule: NIGHTLY });
    const run = (type: OperationType) => ({
      syncLogId: 7,
      organizationId: 123,
      type,
      trigger: { kind: 'schedule' } as const,
    });
    return {
      sql,
      settings,
      fail: (error: SyncErrorType, type: OperationType = 'full_patients') =>
        planAfterFailure(sql, run(type), error),
      succeed: (type: OperationType) => forgetFailures(sql, run(type)),
      row: async () => (await sql`select * from organizations`)[0],
    };
  }
  const PLANNED = { retryAt: expect.any(String) };

  test('depends on its reason', async ({ databaseUrl }) => {
    const { fail } = await openPlan(databaseUrl);
    for (const error of [
      'CLINIKO_UNAVAILABLE',
      'CLINIKO_RATE_LIMITED',
      'SYNC_INTERRUPTED',
      'DATABASE_UNAVAILABLE',
    ] as const) {
      expect(await fail(error), error).toEqual(PLANNED);
    }
    for (const error of [
      'CLINIKO_FORBIDDEN',
      'CLINIKO_BAD_RESPONSE',
      'DATABASE_CONSTRAINT_ERROR',
      'SYNC_CANCELLED',
      'INTERNAL_ERROR',
    ] as const) {
      expect(await fail(error), error).toEqual({});
    }
  });

  test('depends on what the run reads: nothing that reads less makes up for it', async ({ databaseUrl }) => {
    const { sql, settings, fail, succeed, row } = await openPlan(databaseUrl);
    await fail('CLINIKO_UNAVAILABLE', 'full_patients');
    await fail('CLINIKO_UNAVAILABLE', 'changed_patients');
    expect(await row()).toMatchObject({ retry_type: 'full_patients', retry_attempt: 1 });
    await succeed('changed_patients');
    expect(await row()).toMatchObject({ retry_at: expect.any(String), retry_attempt: 1 });
    await succeed('full_patients');
    expect(await row()).toMatchObject({ retry_at: null, retry_attempt: 0 });
    await fail('CLINIKO_UNAVAILABLE', 'changed_patients');
    expect(await row()).toMatchObject({ retry_type: 'changed_patients' });
    await succeed('changed_patients');
    expect(await row()).toMatchObject({ retry_at: null, retry_attempt: 0 });

    await settings({ schedule: { ...NIGHTLY, cron: '* * * * *', mode: 'changed' } });
    expect(await fail('CLINIKO_UNAVAILABLE', 'changed_patients')).toEqual({});
    expect(await fail('CLINIKO_UNAVAILABLE', 'full_patients')).toEqual(PLANNED);
    expect(await sql`select from organizations where retry_at is null`).toEqual([]);
  });

  test('is a pause after three refusals of the key, unless a person has paused it', async ({
    databaseUrl,
  }) => {
    const { sql, settings, fail, row } = await openPlan(databaseUrl);
    await settings({ paused: true, paused_reason: 'Moving' });
    await sql`update organizations set key_refusals = 2`;
    expect(await fail('CLINIKO_AUTH_FAILED')).toEqual({});
    expect(await row()).toMatchObject({ paused_reason: 'Moving', key_refusals: 3 });
    await settings({ paused: false });
    await fail('CLINIKO_UNAVAILABLE');
    for (const follows of [{}, {}, { pausesSchedule: true }])
      expect(await fail('CLINIKO_AUTH_FAILED')).toEqual(follows);
    expect(await row()).toMatchObject({ paused_by: 'key', retry_at: null, next_sync_at: null });
  });
});
