/** Runs one sync over HTTP from start to end. */
import { vi } from 'vitest';
import type { StartedSync, SyncLog } from '#contract/sync-log.ts';
import { latestRun } from './latest-run.ts';
import type { TestServer } from './server.ts';

export async function wholeSync(server: TestServer, kind = 'sync-all'): Promise<SyncLog> {
  const answer = await server.api(`/cliniko/${kind}/123`, { method: 'POST' });
  const started: StartedSync = await answer.json();
  return await vi.waitFor(
    async () => {
      const log = await latestRun(server);
      if (log.id !== started.sync_log_id || log.status === 'running') {
        throw new Error(`Run ${started.sync_log_id} has not ended: ${log.metadata.phase}.`);
      }
      return log;
    },
    { timeout: 20_000, interval: 20 },
  );
}

export async function askJson(server: TestServer, path: string, method = 'GET'): Promise<unknown> {
  return await (await server.api(path, { method })).json();
}
