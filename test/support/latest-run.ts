import { SyncLog, SyncLogList } from '#contract/sync-log.ts';
import type { TestServer } from './server.ts';

/** The newest run of an organization, as a poll shows it. */
export async function latestRun({ api }: Pick<TestServer, 'api'>, organizationId = 123): Promise<SyncLog> {
  const answer = await api(`/cliniko/sync-logs/${organizationId}?limit=1`);
  return SyncLog.parse(SyncLogList.parse(await answer.json()).logs[0]);
}
