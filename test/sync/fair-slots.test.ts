/** Which runs get the slots of a server when there are more runs than slots. The simulator forces the order of events. */
import { once } from 'node:events';
import { describe, expect, onTestFinished, vi } from 'vitest';
import { SyncLog } from '#contract/sync-log.ts';
import { ClinikoClient } from '../../src/cliniko/client.ts';
import { createPacers } from '../../src/cliniko/pacer.ts';
import { type ClinikoSimulator, startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { readSyncLogs } from '../../src/events/sync-logs.ts';
import { saveApiKey, saveOrganization } from '../../src/organizations/organizations.ts';
import { startRun } from '../../src/sync/start-run.ts';
import { systemClock } from '../../src/timing/clock.ts';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { createMemoryBudget } from '../support/memory-budget.ts';
import { people, scriptedSource } from '../support/scripted-source.ts';

async function openClinic(patients: number, apiKey: string, ...otherApiKeys: string[]) {
  const clinic = await startClinikoSimulator({ patients, apiKey, otherApiKeys, requestsPerMinute: 0 });
  onTestFinished(() => clinic.close());
  return clinic;
}

interface Fleet {
  clinics: Record<string, ClinikoSimulator>;
  /** Of each key: the organizations. */
  organizations: Record<string, readonly number[]>;
  runsAtOnce: number;
  requestsPerMinute?: number;
}

async function openFleet(databaseUrl: string, fleet: Fleet) {
  const { clinics, organizations, runsAtOnce, requestsPerMinute = 1_000_000 } = fleet;
  const engine = await openEngine(databaseUrl);
  const { database, sealer, bus, ...deps } = engine.deps({
    page: () => Promise.reject(new Error('Every clinic has a key.')),
    estimateWaitMs: () => 0,
  });
  for (const [apiKey, ids] of Object.entries(organizations)) {
    for (const id of ids) {
      await saveOrganization(database, id, {});
      await saveApiKey(database, sealer, id, apiKey);
    }
  }
  const pacers = createPacers(
    () => createMemoryBudget({ requests: requestsPerMinute }, systemClock),
    systemClock,
  );
  const clientOf = (apiKey: string) =>
    new ClinikoClient({
      apiKey,
      baseUrl: clinics[apiKey]?.url,
      contactEmail: 'tests@example.com',
      pacer: pacers.forKey(apiKey),
      clock: systemClock,
    });
  engine.work(clientOf('unused-au1'), { ...deps, perPage: 100, runsAtOnce, sourceFor: clientOf });
  const latest = async (id: number): Promise<SyncLog> => {
    const { logs } = await readSyncLogs(database.sql, id, { limit: 1 });
    return SyncLog.parse(JSON.parse(logs[0] ?? 'null'));
  };
  return {
    async start(id: number): Promise<void> {
      await startRun(database, id, 'full_patients');
      bus.publish({ organizations: [id], work: true });
    },
    until: (id: number, expected: object) =>
      vi.waitFor(
        async () => {
          const log = await latest(id);
          expect(log).toMatchObject(expected);
          return log;
        },
        { timeout: 20_000, interval: 25 },
      ),
  };
}

describe('a small clinic', () => {
  test('is not behind large ones that use every slot', async ({ databaseUrl }) => {
    const [large, small] = [await openClinic(4_000, 'one-au1', 'two-au1'), await openClinic(50, 'small-au1')];
    const fleet = await openFleet(databaseUrl, {
      clinics: { 'one-au1': large, 'two-au1': large, 'small-au1': small },
      organizations: { 'one-au1': [1], 'two-au1': [2], 'small-au1': [3] },
      runsAtOnce: 2,
    });
    large.faults.onPage(3, { kind: 'hang' });
    await Promise.all([fleet.start(1), fleet.start(2)]);
    // Both have a slot, and wait for an answer like for any other.
    await vi.waitFor(() => expect(large.requests.filter(({ page }) => page === 3)).toHaveLength(2));
    await fleet.start(3);
    large.faults.clear();
    large.faults.release();

    const completed = { status: 'completed', metadata: { attempt: 1 } };
    const first = await fleet.until(3, { ...completed, records_processed: 50 });
    for (const id of [1, 2]) {
      const log = await fleet.until(id, { ...completed, records_processed: 4_000 });
      expect(Date.parse(log.completed_at ?? '')).toBeGreaterThan(Date.parse(first.completed_at ?? ''));
    }
    // A turn that ends costs no request.
    const pages = large.requests.filter(({ query }) => query.includes('sort=created_at'));
    expect(pages).toHaveLength(2 * new Set(pages.map(({ page }) => page)).size);
  });
});

describe('a run whose first request has no answer', () => {
  test('uses no slot, long before the wait is reported', async ({ databaseUrl }) => {
    const engine = await openEngine(databaseUrl);
    const silent = scriptedSource(people(10));
    silent.onPage(1, async (_query, { signal }) => {
      await once(signal, 'abort');
      throw signal.reason;
    });
    const sourceFor = (apiKey: string) => (apiKey === 'silent-au1' ? silent : scriptedSource(people(10)));
    await saveOrganization(engine.database, 1, {});
    await saveApiKey(engine.database, engine.deps(silent).sealer, 1, 'silent-au1');
    // This source reports no wait, and no run counts as stalled.
    engine.work(silent, { runsAtOnce: 1, sourceFor, stalledAfterMs: 3_600_000 });
    await startRun(engine.database, 1, 'full_patients');
    await engine.start();
    await vi.waitFor(() => expect(silent.asked).toEqual([1]));
    expect(await engine.ended()).toMatchObject({ status: 'completed', records_processed: 10 });
  });
});

describe('organizations that share an API key', () => {
  test('wait for its limit without a slot, and do not delay another organization', async ({
    databaseUrl,
  }) => {
    const clinic = await openClinic(300, 'shared-au1', 'other-au1');
    const fleet = await openFleet(databaseUrl, {
      clinics: { 'shared-au1': clinic, 'other-au1': clinic },
      organizations: { 'shared-au1': [1, 2, 3, 4], 'other-au1': [5] },
      runsAtOnce: 1,
      // Enough for one of them.
      requestsPerMinute: 8,
    });
    for (const id of [1, 2, 3, 4, 5]) await fleet.start(id);
    await fleet.until(1, { status: 'completed' });
    await fleet.until(5, { status: 'completed', records_processed: 300 });
    for (const id of [2, 3, 4]) await fleet.until(id, { metadata: { phase: 'waiting' } });
  });
});
