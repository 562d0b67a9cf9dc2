import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';

describe('a clinic whose pages name neither a total nor a next page', () => {
  test('is read to its end all the same, and says that nothing proves it', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 648 });
    server.cliniko.faults.onEvery({ kind: 'altered', alter: ({ patients }) => ({ patients }) });
    const log = await wholeSync(server);

    expect(log).toMatchObject({
      status: 'completed',
      records_success: 648,
      metadata: { patients_found: 648, proof: { seen: 648, total_at_end: null, proven: false } },
    });
    expect(log.metadata).not.toHaveProperty('missing_marked');
    // The walk, one round by ids, and the sweep: to read on would prove no more.
    expect(server.cliniko.requests.length).toBeLessThan(25);
  });
});
