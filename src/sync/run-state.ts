/**
 * How far a run is: pure arithmetic on a plain value.
 *
 * The value is the checkpoint: it commits with the rows it counts, so nothing is counted twice after a crash. Nothing here
 * looks at a clock or a database. What the public record says of it is in metadata.ts.
 */
import { z } from 'zod';
import { runningPercent } from '../contract/progress.ts';
import { Forecast } from '../contract/sync-log.ts';
import {
  beganRound,
  Coverage,
  finishedRoundPage,
  NOTHING_COVERED,
  sawWalkPage,
} from './read/completeness.ts';
import type { Stop } from './read/fetched-page.ts';

const count = z.int().min(0);

export const RunState = z.object({
  /** The first page that is not completely stored, 1-based, and how many of its records are. */
  page: z.int().min(1),
  place: count,
  /** Records on the pages before that one. */
  recordsBefore: count.default(0),
  /** Records a page holds; null until the first page was read. */
  pageSize: count.nullable(),
  /** What Cliniko names as the total now; 0 until it was read. */
  found: count,
  /** When the run began to read, by Cliniko's clock where it tells (beginning.ts); null until the first page was read. */
  began: z.iso.datetime().nullable().default(null),
  /** Of the API key that it reads with (organizations.ts); null until it has one. */
  keyVersion: z.string().nullable().default(null),
  coverage: Coverage,
  totalPages: count,
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
  /** Measured, in milliseconds. They overlap. */
  elapsedMs: z.number(),
  /** Of that, kept waiting by Cliniko. */
  waitedMs: z.number(),
  fetchMs: z.number(),
  processingMs: z.number(),
  databaseMs: z.number(),
  apiRequests: count,
  databaseOperations: count,
  forecasts: z.array(Forecast),
});
export type RunState = z.infer<typeof RunState>;

export const INITIAL_STATE: RunState = {
  page: 1,
  place: 0,
  recordsBefore: 0,
  pageSize: null,
  found: 0,
  began: null,
  keyVersion: null,
  coverage: NOTHING_COVERED,
  totalPages: 0,
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
};

export const ERRORS_KEPT = 20;
const MAX_BATCH = 50;

/** People see progress at least every 50 patients or 10 % of all, whichever is smaller. */
export function batchSize(found: number): number {
  return found === 0 ? MAX_BATCH : Math.min(MAX_BATCH, Math.max(1, Math.floor(found / 10)));
}

/** A page was read: the run now stands before its first record, or where an earlier attempt left it. */
export function arrivedAt(state: RunState, stop: Stop): RunState {
  switch (stop.leg) {
    case 'walk':
      return arrivedAtPage(state, stop);
    case 'round':
      return { ...state, coverage: beganRound(state.coverage, stop) };
    case 'sweep':
      return { ...state, coverage: { ...state.coverage, leg: 'sweep' } };
    default:
      return stop satisfies never;
  }
}

/** `total` is undefined when Cliniko did not say. */
function arrivedAtPage(state: RunState, page: Extract<Stop, { leg: 'walk' }>): RunState {
  const total = page.total ?? null;
  return {
    ...state,
    page: page.number,
    place: page.number === state.page ? state.place : 0,
    pageSize: page.size,
    // Without a total the best number is what was seen so far.
    found: total ?? Math.max(state.found, state.processed),
    began: page.began.toISOString(),
    coverage: sawWalkPage(state.coverage, total, page.isKept),
    totalPages: page.pages,
  };
}

/** All of a page is stored, also when there was nothing in it to store. */
export function departedFrom(state: RunState, stop: Stop): RunState {
  if (stop.leg !== 'round') return state;
  const { records, afterId, left } = stop;
  const coverage = finishedRoundPage(state.coverage, { records: records.length, afterId, left });
  return { ...state, coverage };
}

/** What storing one batch came to. Each patient counts once a run. */
export interface BatchCounts {
  /** Records of the page that the batch was made of. */
  records: number;
  /** Whether they were its last. A page that is finished is never asked for again. */
  endsPage: boolean;
  succeeded: number;
  inserted: number;
  updated: number;
  unchanged: number;
  archived: number;
  warnings: number;
  /** Of the failed, those without a usable id. */
  nameless: number;
  /** One for each failed patient: "Patient ID 12345: Invalid phone number format". */
  errors: readonly string[];
}

export function storedBatch(state: RunState, batch: BatchCounts): RunState {
  const processed = state.processed + batch.succeeded + batch.errors.length;
  const walks = state.coverage.leg === 'walk';
  return {
    ...state,
    ...(walks && walkedOn(state, batch)),
    coverage: {
      ...state.coverage,
      ...(walks && { seen: processed }),
      nameless: state.coverage.nameless + batch.nameless,
    },
    processed,
    succeeded: state.succeeded + batch.succeeded,
    inserted: state.inserted + batch.inserted,
    updated: state.updated + batch.updated,
    unchanged: state.unchanged + batch.unchanged,
    archived: state.archived + batch.archived,
    errors: [...state.errors, ...batch.errors].slice(-ERRORS_KEPT),
    errorsTotal: state.errorsTotal + batch.errors.length,
    warningsTotal: state.warningsTotal + batch.warnings,
    percent: runningPercent(state.percent, processed, Math.max(state.found, processed)),
  };
}

function walkedOn(
  { page, place, recordsBefore }: RunState,
  batch: BatchCounts,
): Pick<RunState, 'page' | 'place' | 'recordsBefore'> {
  const stored = place + batch.records;
  return batch.endsPage
    ? { page: page + 1, place: 0, recordsBefore: recordsBefore + stored }
    : { page, place: stored, recordsBefore };
}

const LEGS = ['walk', 'round', 'sweep'];

/**
 * Whether a run stands further on than a claim found it: it has counted a patient or read on. To read the same pages again is
 * no progress; what was read for the second time is counted once.
 */
export function hasMoved(from: RunState, to: RunState): boolean {
  if (to.processed > from.processed) return true;
  const [before, now] = [scanPosition(from), scanPosition(to)];
  const first = now.findIndex((value, index) => value !== before[index]);
  return first !== -1 && (now[first] ?? 0) > (before[first] ?? 0);
}

/** The numbers of a later position are greater, the first that differs decides. */
function scanPosition({ page, place, coverage }: RunState): number[] {
  const leg = LEGS.indexOf(coverage.leg);
  return coverage.leg === 'walk' ? [leg, page, place] : [leg, coverage.round, coverage.repairs];
}
