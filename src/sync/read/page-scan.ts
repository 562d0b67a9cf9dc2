/**
 * The page scan: all numbered pages of a list, fetched concurrently and yielded in order.
 *
 * The first page tells how many pages there are. From then on a window of requests is in flight, and each page is yielded
 * after the one before it. A page that cannot be read fails the scan after the earlier pages were yielded. It is never
 * treated as the end of the data.
 *
 * Not here: where a list ends (list-end.ts), waiting and retrying (cliniko/client.ts), what happens to a page
 * (write/pipeline.ts).
 */
import type { ClinikoRecord } from '../../cliniko/record.ts';
import type { PageQuery, PatientPage, PatientSource, RequestOptions } from '../../cliniko/source.ts';
import { createListEnd, type ListEnding, readPage } from './list-end.ts';
import { createRepeatGuard } from './repeated-page-guard.ts';

export interface PageScanOptions {
  query: Omit<PageQuery, 'page'>;
  fromPage: number;
  /** Records on the pages before that one. */
  recordsBefore: number;
  /** Records per page, if an earlier attempt learned it. */
  pageSize: number | null;
  /** Maximum number of requests in flight. */
  window: number;
  /** The first page, if it was already fetched. */
  first?: PatientPage | undefined;
}

export interface NumberedPage {
  number: number;
  records: readonly ClinikoRecord[];
  /** Records per page: fewer than requested if Cliniko returns fewer. */
  size: number;
  /** Number of pages, as known now. */
  pages: number;
  total: number | undefined;
}

/**
 * @param options `signal`: abort it when you stop early, or the requests in flight continue
 * @returns `repeated` when a page repeated: the list cannot be read to its end by page numbers
 * @throws ClinikoError, or the signal's reason
 */
export async function* scanPages(
  source: PatientSource,
  scan: PageScanOptions,
  options: RequestOptions,
): AsyncGenerator<NumberedPage, ListEnding> {
  const fetch = createPrefetch(source, scan, options);
  const isRepeat = createRepeatGuard();
  const end = createListEnd({
    isBeginning: scan.fromPage === 1,
    mayBeEmpty: false,
    size: scan.pageSize,
    perPage: scan.query.perPage,
    read: scan.recordsBefore,
    totalOf: 'list',
  });
  let total: number | undefined;
  for (let number = scan.fromPage; ; number++) {
    const page = await end.confirm(await fetch(number), () => fetch(number));
    if (isRepeat(page.records)) return 'repeated';
    const pages = number + end.passed(page);
    for (let ahead = number + 1; ahead <= Math.min(pages, number + scan.window); ahead++) fetch.ahead(ahead);
    // An empty page after the last one is yielded only if it carries a new total.
    const isNew = page.records.length > 0 || page.totalEntries !== total || number === scan.fromPage;
    total = page.totalEntries;
    if (isNew) yield { number, records: page.records, size: end.size(), pages, total };
    if (pages === number) return 'end';
  }
}

/** Requests sent ahead of their use. Each response is used once. */
function createPrefetch(source: PatientSource, { query, first }: PageScanOptions, options: RequestOptions) {
  const underWay = new Map<number, Promise<PatientPage>>();
  if (first !== undefined) underWay.set(1, Promise.resolve(first));
  const ahead = (page: number): Promise<PatientPage> => {
    const known = underWay.get(page);
    if (known !== undefined) return known;
    const asked = readPage(source, { ...query, page }, options);
    asked.catch(() => {}); // Awaited when its page is due. Until then its failure is ignored.
    underWay.set(page, asked);
    return asked;
  };
  const fetch = async (page: number): Promise<PatientPage> => {
    try {
      return await ahead(page);
    } finally {
      underWay.delete(page);
    }
  };
  return Object.assign(fetch, { ahead });
}
