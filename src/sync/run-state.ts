/**
 * The progress of a run: pure arithmetic on a plain value.
 *
 * The value is the checkpoint: it commits with the rows it counts, so nothing is counted twice after a crash. This module
 * reads no clock and no database.
 *
 * Not here: the public metadata of a run (metadata.ts).
 */
import { z } from 'zod';
import { runningPercent } from '#contract/progress.ts';
import { Forecast } from '#contract/sync-log.ts';
import { CrawlPosition, isBehind, START } from './read/crawl-position.ts';
import type { FetchedPage } from './read/fetched-page.ts';

const count = z.int().min(0);

/** The work time, without waits for Cliniko, at which a run had processed this share of its patients. */
export const PaceMark = z.object({ share: z.number().min(0).max(1), workMs: z.number().min(0) });
export type PaceMark = z.infer<typeof PaceMark>;

export const RunState = z.object({
  /** How much of the crawl is stored. */
  position: CrawlPosition,
  /** The newest total that Cliniko reported; 0 until a page was read. */
  found: count,
  totalPages: count,
  /** Version of the API key that the run reads with (organizations/organizations.ts); null until it has one. */
  keyVersion: z.string().nullable(),
  processed: count,
  succeeded: count,
  inserted: count,
  updated: count,
  unchanged: count,
  archived: count,
  /** The newest 20. */
  errors: z.array(z.string()),
  errorsTotal: count,
  warningsTotal: count,
  percent: z.number(),
  /** Measured, in milliseconds. The durations overlap. */
  elapsedMs: z.number(),
  /** The part of `elapsedMs` spent waiting for Cliniko. */
  waitedMs: z.number(),
  fetchMs: z.number(),
  processingMs: z.number(),
  databaseMs: z.number(),
  apiRequests: count,
  /** Batches that are stored, this one included. */
  databaseOperations: count,
  forecasts: z.array(Forecast),
  /** In order. A server of an earlier version wrote none. */
  marks: z.array(PaceMark).default([]),
});
export type RunState = z.infer<typeof RunState>;

export const INITIAL_STATE: RunState = {
  position: START,
  found: 0,
  totalPages: 0,
  keyVersion: null,
  processed: 0,
  succeeded: 0,
  inserted: 0,
  updated: 0,
  unchanged: 0,
  archived: 0,
  errors: [],
  errorsTotal: 0,
  warningsTotal: 0,
  percent: 0,
  elapsedMs: 0,
  waitedMs: 0,
  fetchMs: 0,
  processingMs: 0,
  databaseMs: 0,
  apiRequests: 0,
  databaseOperations: 0,
  forecasts: [],
  marks: [],
};

const ShownProgress = z.object({ percent: z.number().min(0).max(99.9) });

/**
 * A checkpoint that another version wrote may be unreadable: then the run starts with its first page again. The percentage that
 * clients have seen is kept, because progress never goes back.
 *
 * @param checkpoint null before the first write
 */
export function parseCheckpoint(checkpoint: unknown): { state: RunState; isReadable: boolean } {
  if (checkpoint === null) return { state: INITIAL_STATE, isReadable: true };
  const state = RunState.safeParse(checkpoint);
  if (state.success) return { state: state.data, isReadable: true };
  const { percent } = ShownProgress.catch({ percent: 0 }).parse(checkpoint);
  return { state: { ...INITIAL_STATE, percent }, isReadable: false };
}

export const ERRORS_KEPT = 20;
const MAX_BATCH = 50;

/** Progress is published at least every 50 patients or 10 % of all, whichever is smaller. */
export function batchSize(found: number): number {
  return found === 0 ? MAX_BATCH : Math.min(MAX_BATCH, Math.max(1, Math.floor(found / 10)));
}

/** The number of patients of the clinic, as known with this page. A list that is read again may have lost a few. */
export function foundWith(found: number, { numbered, total }: FetchedPage): number {
  return numbered?.total ?? Math.max(found, total ?? 0);
}

/** The state before a page is stored: at its first record, or where an earlier attempt stopped. */
export function arrivedAt(state: RunState, page: FetchedPage): RunState {
  const { at, numbered } = page;
  const found = foundWith(state.found, page);
  if (numbered === undefined) return { ...state, position: at, found };
  // Without a total the best estimate is the number seen so far.
  return {
    ...state,
    position: at,
    found: numbered.total ?? Math.max(found, state.processed),
    totalPages: numbered.pages,
  };
}

/** The result of storing one batch. Each patient counts once per run. */
export interface BatchCounts {
  succeeded: number;
  inserted: number;
  updated: number;
  unchanged: number;
  archived: number;
  warnings: number;
  /** One for each failed patient: "Patient ID 12345: Invalid phone number format". */
  errors: readonly string[];
}

/** @param position of the run once the batch is stored */
export function storedBatch(state: RunState, batch: BatchCounts, position: CrawlPosition): RunState {
  const processed = state.processed + batch.succeeded + batch.errors.length;
  return {
    ...state,
    position,
    processed,
    succeeded: state.succeeded + batch.succeeded,
    inserted: state.inserted + batch.inserted,
    updated: state.updated + batch.updated,
    unchanged: state.unchanged + batch.unchanged,
    archived: state.archived + batch.archived,
    errors: [...state.errors, ...batch.errors].slice(-ERRORS_KEPT),
    errorsTotal: state.errorsTotal + batch.errors.length,
    warningsTotal: state.warningsTotal + batch.warnings,
    databaseOperations: state.databaseOperations + 1,
    percent: runningPercent(state.percent, processed, Math.max(state.found, processed)),
  };
}

/**
 * Whether a run has progressed since its claim: it has counted a patient or its position has advanced. Reading the same pages
 * again is no progress, because each record counts once.
 */
export function hasMoved(from: RunState, to: RunState): boolean {
  return to.processed > from.processed || isBehind(from.position, to.position);
}
