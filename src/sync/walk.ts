/**
 * The walk: all pages of a clinic, read side by side and handed on in order.
 *
 * The first page tells how many there are; from then on a window of requests is under way, and a page is handed on
 * only after the one before it. A page that cannot be read fails the walk, after the pages before it were handed
 * on: it is never taken for the end of the data.
 *
 * Not here: waiting and retrying (cliniko/client.ts), what happens to a page (intake.ts).
 */
import { ClinikoError } from '../cliniko/error.ts';
import type { PageOptions, PageQuery, PatientPage, PatientSource } from '../cliniko/source.ts';
import { createRepeatGuard } from './repeats.ts';

export interface WalkPlan {
  query: Omit<PageQuery, 'page'>;
  fromPage: number;
  /** Records a page holds, when an earlier attempt learned it. */
  pageSize: number | null;
  /** Requests under way at most. */
  window: number;
  /** The first page, when it was asked for already. */
  first?: PatientPage | undefined;
}

export interface WalkedPage {
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
 * @throws ClinikoError, or the signal's reason
 */
export async function* walkPages(
  source: PatientSource,
  plan: WalkPlan,
  options: PageOptions,
): AsyncGenerator<WalkedPage> {
  const underWay = new Map<number, Promise<PatientPage>>();
  if (plan.first !== undefined) underWay.set(1, Promise.resolve(plan.first));
  const fetch = (page: number): Promise<PatientPage> => {
    const known = underWay.get(page);
    if (known !== undefined) return known;
    const asked = source.page({ ...plan.query, page }, options);
    asked.catch(() => {}); // It is awaited when its turn comes; until then its failure is nobody's.
    underWay.set(page, asked);
    return asked;
  };

  let size = plan.pageSize;
  const refuseRepeat = createRepeatGuard();
  for (let number = plan.fromPage; ; number++) {
    const page = await fetch(number);
    underWay.delete(number);
    size ??= page.hasNext && page.records.length > 0 ? page.records.length : plan.query.perPage;
    assertMakesSense(page, number, size);
    refuseRepeat(page.records);
    const pages = pageCount(page, number, size);
    for (let ahead = number + 1; ahead <= Math.min(pages, number + plan.window); ahead++) fetch(ahead);
    yield { number, records: page.records, size, pages, total: page.totalEntries };
    if (number >= pages) return;
  }
}

/** The total and the link may disagree, or be missing: whichever promises more is believed, and then looked at. */
function pageCount(page: PatientPage, number: number, size: number): number {
  const byTotal = page.totalEntries === undefined ? 0 : Math.ceil(page.totalEntries / size);
  const nothingSaid = page.totalEntries === undefined && page.records.length >= size;
  return Math.max(byTotal, page.hasNext || nothingSaid ? number + 1 : number);
}

/** An empty page on which records should be is an error page in disguise; so is one of a clinic that had patients a page ago. */
function assertMakesSense(page: PatientPage, number: number, size: number): void {
  const promised = page.hasNext || (page.totalEntries ?? 0) > (number - 1) * size;
  const vanished = number > 1 && page.totalEntries === 0;
  if (page.records.length === 0 && (promised || vanished))
    throw new ClinikoError({ kind: 'unreadable', status: 200 });
}
