import { describe, expect } from 'vitest';
import { test } from '../../support/database.ts';
import { startTestServer } from '../../support/server.ts';
import { wholeSync } from '../../support/whole-sync.ts';

describe('a clinic whose pages have neither a total nor a next link', () => {
  test('is read to its end and reported as unproven', async ({ databaseUrl }) => {
    const server = await startTestServer(databaseUrl, { patients: 648 });
    server.cliniko.faults.onEvery({ kind: 'altered', alter: ({ patients }) => ({ patients }) });
    const log = await wholeSync(server);

    expect(log).toMatchObject({
      status: 'completed',
      records_success: 648,
      metadata: { patients_found: 648, proof: { seen: 648, total_at_end: null, proven: false } },
    });
    expect(log.metadata).not.toHaveProperty('missing_marked');
    // The page scan, one keyset scan, and the catch-up scan: another scan would prove no more.
    expect(server.cliniko.requests.length).toBeLessThan(25);
  });
});

describe('a Cliniko that returns an empty list in the middle of a sync', () => {
  const NOBODY = { patients: [], total_entries: 0, links: {} };

  test.for([
    ['on the second page', (page: number) => page > 1, 120],
    ['in the keyset scan after a page scan that proved nothing', (page: number) => page > 2, 121],
  ] as const)(
    '%s is not trusted, and no patient is marked missing',
    async ([, isEmpty, total], { databaseUrl }) => {
      const server = await startTestServer(databaseUrl, { patients: 120 });
      await wholeSync(server);
      let pages = 0;
      server.cliniko.faults.onEvery({
        kind: 'altered',
        alter: (body) => (isEmpty(++pages) ? NOBODY : { ...body, total_entries: total }),
      });
      const log = await wholeSync(server);

      expect(log).toMatchObject({ status: 'failed', metadata: { error_type: 'CLINIKO_BAD_RESPONSE' } });
      const summary = await (await server.api('/cliniko/patients/123/summary')).json();
      expect(summary).toMatchObject({ total: 120, missing: 0 });
    },
  );
});
