/** A server as a real process, frozen past its lease (SIGSTOP) and resumed (SIGCONT) in the middle of a batch. */
import { describe, expect, onTestFinished } from 'vitest';
import { Timeline } from '#contract/stream-event.ts';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { connectInTest, test } from '../support/database.ts';
import { startServerProcess } from '../support/server-process.ts';

describe('a server that is frozen past its lease', () => {
  test('is replaced by another server and writes nothing when it resumes', async ({ databaseUrl }) => {
    const cliniko = await startClinikoSimulator({ patients: 900, latencyMs: 20, requestsPerMinute: 0 });
    onTestFinished(() => cliniko.close());
    const sql = connectInTest(databaseUrl);
    const frozen = await startServerProcess({ cliniko, databaseUrl });
    cliniko.faults.onPage(4, { kind: 'hang', times: 1 });
    await frozen.start();
    await frozen.until((log) => log.records_processed === 300);
    const successor = await startServerProcess({ cliniko, databaseUrl });
    frozen.child.kill('SIGSTOP');
    // The data it waits for arrives while it is frozen, and is available when it resumes.
    cliniko.faults.release();

    const log = await successor.until((current) => current.status !== 'running', { timeout: 30_000 });
    const rows = () => sql`select xmin, cliniko_patient_id from patients order by cliniko_patient_id`;
    const stored = [...(await rows())];
    frozen.child.kill('SIGCONT');
    // It responds again, so its event loop has run. Its log then says that it released the run.
    expect(await frozen.latest()).toEqual(log);
    await frozen.start();
    const next = await frozen.until((current) => current.id !== log.id && current.status !== 'running');

    expect(log).toMatchObject({ status: 'completed', records_processed: 900, metadata: { attempt: 2 } });
    expect(next).toMatchObject({ status: 'completed', metadata: { unchanged: 900 } });
    expect([...(await rows())]).toEqual(stored);
    const timeline = await fetch(`${frozen.url}/api/v1/cliniko/sync-logs/123/${log.id}/timeline`);
    const { events } = Timeline.parse(await timeline.json());
    expect(events.map((event) => event.seq)).toEqual(events.map((_event, index) => index + 1));
    expect(events.filter((event) => event.type === 'completed')).toHaveLength(1);
  });
});
