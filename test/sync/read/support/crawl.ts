/** A full crawl of a scripted clinic, ten patients a page. */
import type { PatientSource } from '../../../../src/cliniko/source.ts';
import type { Crawl } from '../../../../src/sync/read/crawl.ts';
import { type CrawlPosition, START } from '../../../../src/sync/read/crawl-position.ts';
import { SeenIds } from '../../../../src/sync/read/seen-ids.ts';

export function crawlOf(source: PatientSource, position: CrawlPosition = START): Crawl {
  return {
    source,
    options: { signal: new AbortController().signal },
    plan: {
      type: 'full_patients',
      scope: { filter: 'archived_at:*', fields: ['updated_at', 'archived_at'] },
      since: undefined,
      organizationId: 123,
      createdAt: new Date('2026-01-01T00:00:00Z'),
      perPage: 10,
    },
    ahead: () => 4,
    seen: new SeenIds(),
    position,
  };
}
