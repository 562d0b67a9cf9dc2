/** The timings of a run as they would be recorded: pages in a window of requests, batches in order, the closing requests. */
import { START } from '../../../src/sync/read/crawl-position.ts';
import {
  type EstimateInputs,
  type PriorRun,
  recordMark,
  workMsOf,
} from '../../../src/sync/remaining-time.ts';
import { INITIAL_STATE, type RunState } from '../../../src/sync/run-state.ts';

const PAGE = 100;
const BATCH = 50;
const WINDOW = 4;
const CLOSING_REQUESTS = 1;

export interface TimingOptions {
  patients: number;
  /** Of a request, on average. Each one differs from it by up to a third. */
  answerMs: number;
  /** Of a batch. */
  storeMs: number;
  /** 0 to 1, as `Math.random`. */
  random(): number;
}

/** A state right after a batch, with what its estimate knows besides. */
interface Moment {
  state: RunState;
  inputs: Omit<EstimateInputs, 'prior'>;
}

export interface RunTimings {
  moments: Moment[];
  totalMs: number;
  /** This run as the one before the next. */
  asPrior: PriorRun;
}

export function recordTimings({ patients, answerMs, storeMs, random }: TimingOptions): RunTimings {
  const answer = () => answerMs * (0.67 + random() * 0.66);
  const arrivals = pageArrivals(Math.ceil(patients / PAGE), answer);
  const readAt = (ms: number) => {
    const arrived = arrivals.filter(({ at }) => at <= ms);
    const records = Math.min(patients, arrived.length * PAGE);
    const meanMs = arrived.reduce((sum, { sentAt, at }) => sum + at - sentAt, 0) / arrived.length;
    const sentMs = arrivals.filter(({ sentAt, at }) => sentAt <= ms && at > ms).map(({ sentAt }) => sentAt);
    const deviations = arrived.map(({ sentAt, at }) => Math.abs(at - sentAt - meanMs));
    const spreadMs = deviations.reduce((sum, ms) => sum + ms, 0) / arrived.length;
    return { sentMs, records, answerMs: meanMs, spreadMs, window: WINDOW };
  };
  const moments: Moment[] = [];
  let state: RunState = { ...INITIAL_STATE, found: patients, position: { ...START, pageSize: PAGE } };
  let at = 0;
  for (let processed = 0; processed < patients; processed = state.processed) {
    const page = Math.floor(processed / PAGE) + 1;
    at = Math.max(at, ...arrivals.slice(0, page).map((arrival) => arrival.at)) + storeMs;
    const stored = Math.min(patients, processed + BATCH);
    const position = { ...state.position, page: Math.floor(stored / PAGE) + 1 };
    const percent = Math.min(99.9, (stored / patients) * 100);
    const databaseMs = state.databaseMs + storeMs;
    state = { ...state, position, percent, processed: stored, elapsedMs: at, databaseMs };
    state = { ...state, marks: recordMark(state) };
    const closingMs = CLOSING_REQUESTS * answerMs;
    const inputs = { read: readAt(at), closingMs, requestsMs: () => 0, waitMs: 0 };
    moments.push({ state, inputs });
  }
  for (let n = 0; n < CLOSING_REQUESTS; n++) at += answer();
  const ended = { ...state, elapsedMs: at };
  return {
    moments,
    totalMs: at,
    asPrior: { processed: patients, workMs: workMsOf(ended), marks: ended.marks },
  };
}

/** The first page is requested alone: it tells how many there are. */
function pageArrivals(pages: number, answer: () => number): { sentAt: number; at: number }[] {
  const arrivals = [{ sentAt: 0, at: answer() }];
  for (let page = 1; page < pages; page++) {
    // A request is sent when the page a window before it has arrived in order.
    const before = arrivals.slice(0, Math.max(1, page - WINDOW + 1));
    const sentAt = Math.max(...before.map(({ at }) => at));
    arrivals.push({ sentAt, at: sentAt + answer() });
  }
  return arrivals;
}
