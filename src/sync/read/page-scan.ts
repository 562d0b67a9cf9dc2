/**
 * The page scan: all numbered pages of a list, fetched concurrently and yielded in order.
 *
 * The first page tells how many pages there are. From then on a window of pages is requested ahead, and each page is yielded
 * after the one before it. A page that cannot be read fails the scan after the earlier pages were yielded. It is never
 * treated as the end of the data.
 *
 * Not here: where a list ends (list-end.ts), waiting and retrying (cliniko/client.ts), what happens to a page
 * (write/pipeline.ts).
 */
import type { ClinikoRecord } from '../../cliniko/record.ts';
import type {
  PageQuery,
  PatientPage,
  PatientSource,
  RequestOptions,
  WaitNotice,
} from '../../cliniko/source.ts';
import { createListEnd, type ListEnding, readPage } from './list-end.ts';
import { createRepeatGuard } from './repeated-page-guard.ts';

export interface PageScanOptions {
  query: Omit<PageQuery, 'page'>;
  fromPage: number;
  /** Records on the pages before that one. */
  recordsBefore: number;
  /** Records per page, if an earlier attempt learned it. */
  pageSize: number | null;
  /** How many pages may be requested now before they are needed. */
  ahead: () => number;
  /** The first page, if it was already fetched. */
  first?: PatientPage | undefined;
}

export interface NumberedPage {
  number: number;
  records: readonly ClinikoRecord[];
  /** Records per page: fewer than requested if Cliniko returns fewer. */
  size: number;
  /** Number of pages with records, as known now. */
  pages: number;
  total: number | undefined;
}

/**
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
  try {
    for (let number = scan.fromPage; ; number++) {
      const page = await end.confirm(await fetch(number), () => fetch(number));
      if (isRepeat(page.records)) return 'repeated';
      const { requests, pages: following } = end.passed(page);
      const last = number + Math.min(requests, scan.ahead());
      for (let next = number + 1; next <= last; next++) fetch.ahead(next);
      // An empty page after the last one is yielded only if it carries a new total. It is not counted.
      const isEmpty = page.records.length === 0;
      const isNew = !isEmpty || page.totalEntries !== total || number === scan.fromPage;
      const pages = Math.max(1, isEmpty ? number - 1 : number + following);
      total = page.totalEntries;
      if (isNew) yield { number, records: page.records, size: end.size(), pages, total };
      if (requests === 0) return 'end';
    }
  } finally {
    // The list may be shorter than expected.
    fetch.stop();
  }
}

/**
 * Requests sent ahead of their use. Each answer is used once, and a page that gave up has none: one that is not needed yet
 * gives up when it would have to wait for a retry for `MIN_REPORTED_WAIT_MS` or more, and is requested again when it is
 * needed. So during an outage a run waits with one request, and after it the pages of all waiting runs do not arrive at once.
 */
function createPrefetch(
  source: PatientSource,
  { query, fromPage, first }: PageScanOptions,
  options: RequestOptions,
) {
  const ended = new AbortController();
  const underWay = new Map<number, Promise<PatientPage>>();
  if (first !== undefined) underWay.set(1, Promise.resolve(first));
  const gaveUp = new Set<number>();
  let needed = fromPage;
  const ask = (page: number): Promise<PatientPage> => {
    const stopped = new AbortController();
    const onWait = (notice: WaitNotice): void => {
      options.onWait?.(notice);
      if (notice.reason !== 'retrying' || page === needed) return;
      stopped.abort();
      gaveUp.add(page);
      underWay.delete(page);
    };
    const signal = AbortSignal.any([options.signal, ended.signal, stopped.signal]);
    const asked = readPage(source, { ...query, page }, { ...options, signal, onWait });
    asked.catch(() => {}); // Awaited when its page is needed. Until then its failure is ignored.
    return asked;
  };
  const ahead = (page: number): void => {
    if (underWay.has(page) || gaveUp.has(page)) return;
    const asked = ask(page);
    // The call itself may have reported a wait.
    if (!gaveUp.has(page)) underWay.set(page, asked);
  };
  const fetch = async (page: number): Promise<PatientPage> => {
    needed = page;
    try {
      return await (underWay.get(page) ?? ask(page));
    } finally {
      underWay.delete(page);
    }
  };
  return Object.assign(fetch, { ahead, stop: () => ended.abort() });
}
