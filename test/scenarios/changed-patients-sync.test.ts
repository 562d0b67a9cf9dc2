/** A sync of changed patients reads two lists: what was edited, and what was archived. */
import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

describe('a sync of changed patients', () => {
  test.for([
    ['counts as a change', true],
    ['leaves updated_at as it is', false],
  ] as const)('proves what it read when archiving %s', async ([, bumps], { databaseUrl }) => {
    const server = await startTestServer(databaseUrl, {
      patients: 60,
      behaviour: { archivingBumpsUpdatedAt: bumps, emptyStyle: null },
    });
    const { people } = server.cliniko;
    await wholeSync(server);
    const [archived = '', edited = ''] = [...people.ids()].filter(
      (id) => people.record(id).archived_at === null,
    );
    people.archive(archived);
    people.edit(edited, { first_name: 'Edited' });

    const log = await wholeSync(server, 'sync-changed');
    const listed = bumps ? 2 : 1;
    expect(log).toMatchObject({
      status: 'completed',
      records_processed: 2,
      metadata: {
        archived: 1,
        proof: { proven: true, seen: listed, total_at_start: listed, total_at_end: listed },
      },
    });
  });
});
