/**
 * The catch-up scan of a clinic that does not change while it is read. Its requests are sent together with those of the last
 * pages, so the run does not wait for their answers after the last page.
 *
 * The answers count only if they show no change since the run started, if no last page was delayed, and if they are recent.
 * Otherwise they are discarded, and the catch-up scan starts after the last page.
 */
import type { ClinikoRecord } from '../../cliniko/record.ts';
import type { PatientPage } from '../../cliniko/source.ts';
import { type StartedCatchUp, startCatchUp } from './catch-up-start.ts';
import { changedAt, IgnoredFilterError } from './change-scan.ts';
import { type Crawl, startedAt } from './crawl.ts';
import { RepeatedPageError } from './repeated-page-guard.ts';
import { createdUntil } from './start-time.ts';
import type { TimedSource } from './timed-source.ts';

export interface EarlyCatchUp extends StartedCatchUp {
  /** On the monotonic clock. */
  startedAt: number;
  /** Until then the last page has to be answered. */
  pagesUntil: number;
}

/** If an answer takes less time, the time that is saved is not noticeable. */
const LEAST_ANSWER_MS = 75;

/** Older answers do not count: a run may wait for a slot or for its database. */
const MAX_AGE_MS = 2_000;

/** The last pages may take this many times as long as the slowest page before them. */
const ANSWER_TIMES = 2;

/** Whether answers of this duration make an early catch-up scan worthwhile, and leave it in time. */
export function savesAnAnswer(answerMs: number): boolean {
  return answerMs >= LEAST_ANSWER_MS && ANSWER_TIMES * answerMs <= MAX_AGE_MS;
}

export function isWorthStartingEarly({ plan }: Crawl, source: TimedSource): boolean {
  // A patient that is archived and one that is restored compensate in the total of the active patients. Only a catch-up scan
  // after the last page is certain to show the archived one.
  if (plan.type !== 'full_patients') return false;
  return savesAnAnswer(source.fastestMs()) && savesAnAnswer(source.slowestMs());
}

/** It stops when it would have to wait for a retry: its answers would be late, and its requests could delay the pages. */
export function startEarly(crawl: Crawl, source: TimedSource): EarlyCatchUp {
  const now = performance.now();
  const started = startCatchUp(crawl, ({ reason }) => reason === 'retrying');
  return { ...started, startedAt: now, pagesUntil: now + ANSWER_TIMES * source.slowestMs() };
}

/**
 * Called when the last page was read.
 *
 * @param source of the numbered pages
 * @returns undefined when the catch-up scan has to start again
 */
export function endEarly(
  early: EarlyCatchUp | undefined,
  source: TimedSource,
  isUsable: boolean,
): EarlyCatchUp | undefined {
  if (early === undefined || (isUsable && source.answeredAt() <= early.pagesUntil)) return early;
  early.stop();
  return undefined;
}

/** As many as the fields that are scanned: mostly each list of changes has one page. */
const MAX_PAGES = 2;

/** @returns undefined when the clinic has changed since the run started, or the answers are old or not usable */
export async function readUnchanged(crawl: Crawl, early: EarlyCatchUp): Promise<StartedCatchUp | undefined> {
  const until = createdUntil(startedAt(crawl));
  const isRecent = performance.now() - early.startedAt <= MAX_AGE_MS;
  const pages = isRecent ? await readFew(early) : undefined;
  const hasChanged = pages?.some(({ records }) => records.some((record) => isChangedAfter(record, until)));
  if (pages !== undefined && hasChanged !== true) return { ...early, changes: eachOf(pages) };
  early.stop();
  return undefined;
}

/** @returns undefined when there are more pages, it was stopped, or Cliniko ignores the filters */
async function readFew({ changes, isStopped }: EarlyCatchUp): Promise<PatientPage[] | undefined> {
  const pages: PatientPage[] = [];
  try {
    for await (const page of changes) if (pages.push(page) > MAX_PAGES) return undefined;
    return pages;
  } catch (error) {
    const isUnusable = error instanceof IgnoredFilterError || error instanceof RepeatedPageError;
    if (isUnusable || isStopped()) return undefined;
    throw error;
  }
}

function isChangedAfter(record: ClinikoRecord, until: string): boolean {
  return (['updated_at', 'archived_at'] as const).some((field) => {
    const time = changedAt(record, field);
    return time !== undefined && time > until;
  });
}

async function* eachOf(pages: readonly PatientPage[]): AsyncGenerator<PatientPage> {
  yield* pages;
}
