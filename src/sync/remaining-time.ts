/**
 * How long a run will still take: pure arithmetic.
 *
 * The last completed run of the same kind has measured how long such a run takes, up to each part of it and after its last
 * page. This run is compared with it: the same work, at the speed that this run has had so far. Without such a run, the pace of
 * the answers and of the patients stored decides, whichever is slower.
 *
 * Cliniko's rate limit applies at the same time. The longer one is the estimate. A wait is published with an estimate that
 * includes it, and nothing is published during it, so the number does not grow while the run waits.
 */
import type { Forecast } from '#contract/sync-log.ts';
import type { PaceMark, RunState } from './run-state.ts';

/** Percentages at which a forecast is kept, for comparison with the actual duration. */
const KEPT_AT = [10, 25, 50, 75] as const;

/** Before both, an estimate would be a guess: it is not shown. */
const SHOWN_AFTER = { workMs: 5_000, pages: 2 };

/** At this share of a run its own speed counts as much as that of the run before. */
const SPEED_KNOWN_AT = 0.15;

/** This part of the deviation of the answers is added to each: a late page delays those that are requested after it. */
const DELAYING = 0.5;

/** So many deviations longer than the mean takes the latest of three or four answers. */
export const LATEST = 1.2;

/** Of the estimate by the run before, against the estimate by the answers of this one. */
const PRIOR_WEIGHT = 1 / 3;

/** The last completed run of the same organization and type. Durations are without waits for Cliniko. */
export interface PriorRun {
  processed: number;
  workMs: number;
  marks: readonly PaceMark[];
}

/** What the answers of this attempt say about its pace. */
interface ReadingPace {
  /** Read by the run so far. */
  records: number;
  /** The elapsed time of the run at which each request without an answer was sent. The work time is known only after a wait. */
  sentMs: readonly number[];
  /** Mean duration of a request, and the mean deviation from it. */
  answerMs: number;
  spreadMs: number;
  /** Requests in flight at the same time. */
  window: number;
}

/** What is known besides the state of the run. */
export interface EstimateInputs {
  prior: PriorRun | undefined;
  /** Undefined before the first answer that did not wait. */
  read: ReadingPace | undefined;
  /** How long the requests after the last page will take. */
  closingMs: number;
  /** How long it takes until this many more requests can be sent. */
  requestsMs: (requests: number) => number;
  /** How long the wait that is being published will last; 0 when there is none. */
  waitMs: number;
}

/** The remaining time of one run, smoothed over its publications. */
export interface RemainingTime {
  /** @returns null until there is a pace */
  estimateMs(state: RunState): number | null;
  /** @returns null until the estimate may be shown */
  shownMs(state: RunState): number | null;
}

export const NO_ESTIMATE: RemainingTime = { estimateMs: () => null, shownMs: () => null };

export const workMsOf = ({ elapsedMs, waitedMs }: Pick<RunState, 'elapsedMs' | 'waitedMs'>): number =>
  Math.max(0, elapsedMs - waitedMs);

/** @returns null until a pace is known */
export function estimateRemainingMs(state: RunState, inputs: EstimateInputs): number | null {
  if (state.processed === 0 || state.found === 0) return null;
  const { prior, requestsMs, waitMs } = inputs;
  const left = Math.max(0, state.found - state.processed);
  const byPace = workLeftByPace(state, inputs);
  const byPrior = prior && workLeftByPrior(state, prior);
  // Their errors have different causes and are factors. The answers of this run say more than another run.
  const workMs = byPrior === undefined ? byPace : byPrior ** PRIOR_WEIGHT * byPace ** (1 - PRIOR_WEIGHT);
  const limitMs = requestsMs(Math.ceil(left / (state.position.pageSize ?? 100)));
  return Math.round(Math.max(workMs + waitMs, limitMs));
}

/** @returns undefined when the run before has measured too little */
function workLeftByPrior(state: RunState, prior: PriorRun): number | undefined {
  const lastMark = prior.marks.at(-1);
  if (lastMark === undefined || prior.processed === 0) return undefined;
  // The clinic may have grown since.
  const scale = state.found / prior.processed;
  const readingMs = lastMark.workMs * scale;
  const closingMs = Math.max(0, prior.workMs - lastMark.workMs);
  const share = Math.min(1, state.processed / state.found);
  if (share >= 1) {
    const readMs = state.marks.at(-1)?.workMs ?? workMsOf(state);
    return Math.max(0, closingMs * ratioOf(readMs, readingMs) - (workMsOf(state) - readMs));
  }
  const reachedMs = workAt(prior.marks, share) * scale;
  const speed = ratioOf(workMsOf(state), reachedMs) ** (share / (share + SPEED_KNOWN_AT));
  return (readingMs - reachedMs + closingMs) * speed;
}

/** Bounded: a single slow answer at the start says little about the rest. */
function ratioOf(ms: number, priorMs: number): number {
  return priorMs <= 0 ? 1 : Math.min(20, Math.max(0.05, ms / priorMs));
}

/** The work time at which the run before had reached this share, interpolated between its marks. */
function workAt(marks: readonly PaceMark[], share: number): number {
  let before: PaceMark = { share: 0, workMs: 0 };
  for (const mark of marks) {
    if (mark.share >= share) {
      const part = (share - before.share) / Math.max(Number.EPSILON, mark.share - before.share);
      return before.workMs + part * (mark.workMs - before.workMs);
    }
    before = mark;
  }
  return before.workMs;
}

function workLeftByPace(state: RunState, { read, closingMs }: EstimateInputs): number {
  const workMs = workMsOf(state);
  const storingMs = ((state.found - state.processed) * state.databaseMs) / state.processed;
  return Math.max(0, storingMs, readingLeft(state, workMs, read)) + closingMs;
}

/**
 * Pages arrive in groups, so the distance between two of them says nothing. Each place in the window of requests is free again when
 * its request is answered, and then takes one page after the other.
 *
 * @returns how long it takes until the last page arrives
 */
function readingLeft(state: RunState, workMs: number, read: EstimateInputs['read']): number {
  if (read === undefined) return ((state.found - state.processed) * workMs) / state.processed;
  const { records, sentMs, window } = read;
  const answerMs = read.answerMs + DELAYING * read.spreadMs;
  const pagesLeft = Math.ceil((state.found - records) / (state.position.pageSize ?? 100));
  if (pagesLeft <= 0) return 0;
  const freeIn = sentMs.map((sent) => Math.max(0, sent + answerMs - state.elapsedMs)).sort((a, b) => a - b);
  while (freeIn.length < window) freeIn.unshift(0);
  const unsent = Math.max(0, pagesLeft - sentMs.length);
  const pagesOf = (place: number) => Math.ceil((unsent - place) / freeIn.length);
  const lastMs = Math.max(...freeIn.map((ms, place) => ms + Math.max(0, pagesOf(place)) * answerMs));
  return lastMs + LATEST * read.spreadMs;
}

/** The share of the new estimate grows with the time since the last one; longer remaining times change more slowly. */
const SMOOTHED_OVER = { leastMs: 2_000, share: 0.1 };

/** @param inputsOf what is known at the moment */
export function createRemainingTime(inputsOf: () => EstimateInputs): RemainingTime {
  let last: { atMs: number; endMs: number; processed: number; waits: boolean; isShown: boolean } | undefined;
  const estimateMs = (state: RunState): number | null => {
    const inputs = inputsOf();
    const exactMs = estimateRemainingMs(state, inputs);
    if (exactMs === null) return null;
    const atMs = state.elapsedMs;
    const exactEndMs = atMs + exactMs;
    let endMs = exactEndMs;
    const waits = inputs.waitMs > 0;
    // A wait is a fact: the estimate contains it at once, and its end too. What was never shown needs no smoothing.
    if (last?.isShown && last.waits === waits) {
      const overMs = Math.max(SMOOTHED_OVER.leastMs, exactMs * SMOOTHED_OVER.share);
      const byTime = 1 - Math.exp(-Math.max(0, atMs - last.atMs) / overMs);
      // Early estimates rest on little: what was processed since counts by its share.
      const byEvidence = 1 - (last.processed / state.processed) ** 2;
      const weight = Math.max(byTime, byEvidence);
      endMs = last.endMs + weight * (exactEndMs - last.endMs);
    }
    last = { atMs, endMs, processed: state.processed, waits, isShown: isShown(state) };
    return Math.max(0, endMs - atMs);
  };
  return {
    estimateMs,
    shownMs(state) {
      const ms = estimateMs(state);
      return ms === null || !isShown(state) ? null : roundedUp(ms);
    },
  };
}

function isShown(state: RunState): boolean {
  return workMsOf(state) >= SHOWN_AFTER.workMs && state.position.page > SHOWN_AFTER.pages;
}

/** To a step that matches how exact the estimate is: 47 minutes 12 seconds would claim more than is known. */
function roundedUp(ms: number): number {
  const stepMs = ms <= 60_000 ? 5_000 : ms <= 600_000 ? 15_000 : 60_000;
  return Math.ceil(ms / stepMs) * stepMs;
}

/** Appends a forecast of the total duration when the run has reached the next percentage of `KEPT_AT`. */
export function recordForecast(state: RunState, remainingTime: RemainingTime): Forecast[] {
  const due = KEPT_AT.filter((percent) => state.percent >= percent).at(-1);
  const latest = state.forecasts.at(-1)?.at_percent ?? 0;
  const remainingMs = remainingTime.estimateMs(state);
  if (due === undefined || due <= latest || remainingMs === null) return state.forecasts;
  return [...state.forecasts, { at_percent: due, predicted_ms: Math.round(state.elapsedMs + remainingMs) }];
}

const MARKED_EVERY = 0.05;

/** Appends a mark when the run has advanced far enough, and at the last patient. */
export function recordMark(state: RunState): PaceMark[] {
  const share = state.found === 0 ? 0 : Math.min(1, state.processed / state.found);
  const latest = state.marks.at(-1)?.share ?? 0;
  const isDue = share - latest >= MARKED_EVERY || (share === 1 && latest < 1);
  return isDue ? [...state.marks, { share, workMs: workMsOf(state) }] : state.marks;
}
