/** A run is bound to the API key it began with: another key may belong to another clinic. */
import { describe, expect, vi } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { connectInTest, test } from '../support/database.ts';
import { latestRun } from '../support/latest-run.ts';
import { putJson, startTestServer, type TestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

const OTHER_KEY = 'MxAnother-au1';

const ended = (server: TestServer) =>
  vi.waitFor(
    async () => {
      const log = await latestRun(server);
      expect(log.status).not.toBe('running');
      return log;
    },
    { timeout: 10_000, interval: 10 },
  );

/** Replaces the key of a run that hangs before its third page. */
async function replaceInMidRun(databaseUrl: string, apiKey = OTHER_KEY) {
  const cliniko = await startClinikoSimulator({
    patients: 450,
    requestsPerMinute: 0,
    otherApiKeys: [OTHER_KEY],
  });
  const server = await startTestServer(databaseUrl, { cliniko });
  cliniko.faults.onPage(3, { kind: 'hang', times: 1 });
  await server.api('/cliniko/sync-all/123', { method: 'POST' });
  await vi.waitFor(async () => expect((await latestRun(server)).records_processed).toBe(200), {
    timeout: 10_000,
  });
  await putJson(server.api, '/organizations/123/cliniko-credentials', { api_key: apiKey || cliniko.apiKey });
  return { cliniko, server };
}

const REPLACED = {
  status: 'failed',
  error_details: expect.stringContaining('The API key was replaced'),
  metadata: { error_type: 'SYNC_INTERRUPTED', retry_recommended: true, solution: 'Start the sync again.' },
};

describe('a run whose API key is replaced while it runs', () => {
  test('ends within seconds, even while Cliniko does not respond', async ({ databaseUrl }) => {
    const { cliniko, server } = await replaceInMidRun(databaseUrl);
    const asked = cliniko.requests.length;
    expect(await ended(server)).toMatchObject({ ...REPLACED, records_processed: 200 });
    expect(cliniko.requests).toHaveLength(asked);
    await cliniko.close();
  });

  test('ends within seconds when a person deletes the key in the database', async ({ databaseUrl }) => {
    const { cliniko, server } = await replaceInMidRun(databaseUrl, '');
    await connectInTest(databaseUrl)`delete from cliniko_credentials`;
    expect(await ended(server)).toMatchObject({ ...REPLACED, records_processed: 200 });
    await cliniko.close();
  });

  test('does not complete with a proof', async ({ databaseUrl }) => {
    const { cliniko, server } = await replaceInMidRun(databaseUrl);
    cliniko.faults.release();
    expect(await ended(server)).toMatchObject(REPLACED);
    await server.api('/cliniko/sync-changed/123', { method: 'POST' });
    expect(await ended(server)).toMatchObject({ status: 'completed', records_success: 450 });
    await cliniko.close();
  });

  test('is not continued by another worker', async ({ databaseUrl }) => {
    const { cliniko, server } = await replaceInMidRun(databaseUrl);
    await server.stop();
    const asked = cliniko.requests.length;
    const other = await startTestServer(databaseUrl, { cliniko, organizations: [] });
    expect(await ended(other)).toMatchObject(REPLACED);
    expect(cliniko.requests).toHaveLength(asked);
    await cliniko.close();
  });

  test('continues when the new key equals the old one', async ({ databaseUrl }) => {
    const { cliniko, server } = await replaceInMidRun(databaseUrl, '');
    cliniko.faults.release();
    expect(await ended(server)).toMatchObject({ status: 'completed', records_success: 450 });
    await cliniko.close();
  });
});

test('a changed sync with a new key reads everything, although the clock was set back since the last sync', async ({
  databaseUrl,
}) => {
  const cliniko = await startClinikoSimulator({
    patients: 30,
    requestsPerMinute: 0,
    otherApiKeys: [OTHER_KEY],
  });
  const server = await startTestServer(databaseUrl, { cliniko });
  await wholeSync(server);
  await connectInTest(databaseUrl)`update sync_runs set created_at = created_at + interval '12 hours'`;
  await putJson(server.api, '/organizations/123/cliniko-credentials', { api_key: OTHER_KEY });
  expect(await wholeSync(server, 'sync-changed')).toMatchObject({ records_success: 30 });
  await cliniko.close();
});
