/** The epoch of the event log: events of another history are not taken for those of this one. */
import { expect, onTestFinished } from 'vitest';
import { openDatabase } from '../../src/database/open.ts';
import { HistoryLostError, readEventsAfter } from '../../src/events/event-queries.ts';
import { test } from '../support/database.ts';

test('events are not read as a part of another epoch', async ({ databaseUrl }) => {
  const database = openDatabase(databaseUrl);
  onTestFinished(() => database.close());
  await database.sql`insert into sync_logs (organization_id, operation_type, status, started_at)
    values (77, 'x', 'running', now())`;
  const read = readEventsAfter(database.sql, 'another', [{ organizationId: 77, seq: 0 }], { limit: 10 });
  await expect(read).rejects.toThrow(HistoryLostError);
});
