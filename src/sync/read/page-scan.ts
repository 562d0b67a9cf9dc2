/**
 * The page scan: all numbered pages of a list, read side by side and given in order.
 *
 * The first page tells how many there are; from then on a window of requests is under way, and a page is given only after
 * the one before it. A page that cannot be read fails the scan, after the pages before it were given: it is never taken for
 * the end of the data.
 *
 * Not here: where a list ends (list-end.ts), waiting and retrying (cliniko/client.ts), what happens to a page
 * (write/pipeline.ts).
 */
import type { PageOptions, PageQuery, PatientPage, PatientSource } from '../../cliniko/source.ts';
import { createListEnd, type ListEnding, readPage } from './list-end.ts';
import { createRepeatGuard } from './repeated-page-guard.ts';

export interface PageScanOptions {
  query: Omit<PageQuery, 'page'>;
  fromPage: number;
  /** Records on the pages before that one. */
  recordsBefore: number;
  /** Records a page holds, when an earlier attempt learned it. */
  pageSize: number | null;
  /** Requests under way at most. */
  window: number;
  /** The first page, when it was asked for already. */
  first?: PatientPage | undefined;
}

export interface NumberedPage {
  number: number;
  records: readonly unknown[];
  /** Records a page holds: less than asked for when Cliniko gives less. */
  size: number;
  /** Pages there are, as far as is known now. */
  pages: number;
  total: number | undefined;
}

/**
 * @param options `signal`: abort it when you leave early, or the requests under way go on
 * @returns `repeated` when a page came again: the list cannot be read to its end by numbers
 * @throws ClinikoError, or the signal's reason
 */
export async function* scanPages(
  source: PatientSource,
  scan: PageScanOptions,
  options: PageOptions,
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
    // An empty page behind the last one is only told where it says something new.
    const isNews = page.records.length > 0 || page.totalEntries !== total || number === scan.fromPage;
    total = page.totalEntries;
    if (isNews) yield { number, records: page.records, size: end.size(), pages, total };
    if (pages === number) return 'end';
  }
}

/** Questions that have left before their turn; each is answered once. */
function createPrefetch(source: PatientSource, { query, first }: PageScanOptions, options: PageOptions) {
  const underWay = new Map<number, Promise<PatientPage>>();
  if (first !== undefined) underWay.set(1, Promise.resolve(first));
  const ahead = (page: number): Promise<PatientPage> => {
    const known = underWay.get(page);
    if (known !== undefined) return known;
    const asked = readPage(source, { ...query, page }, options);
    asked.catch(() => {}); // Awaited when its turn comes; until then its failure concerns no page.
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
