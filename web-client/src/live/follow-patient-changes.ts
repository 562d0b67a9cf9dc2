/**
 * Follows the changes of an organization's patients, for a program that keeps a copy of them.
 *
 *     for await (const { kind, cliniko_patient_id, position } of followPatientChanges(123, { baseUrl, getToken, since })) {
 *       // Read the patient by its id and store it, or delete it when it is erased; then store `position` with it.
 *     }
 *
 * Each change comes once, in the order of the commits. A connection that is cut, silent or ended by the server is replaced by one
 * that continues after the last change. When the server no longer has what follows, the iteration throws: the copy has to start
 * over, and no change is skipped silently.
 *
 * Not here: one connection (change-connection.ts).
 */
import type { PatientChange } from '#contract/patient-change.ts';
import type { LostReason } from '#contract/stream-event.ts';
import { type Access, authorization, Refusal, withQuery } from './access.ts';
import { type ChangeFrame, framesOf } from './change-connection.ts';
import { backoffMs } from './connection.ts';
import { isEventStream } from './fetch-event-source.ts';

const ANSWER_WITHIN_MS = 10_000;
const RETRY = { firstMs: 500, mostMs: 30_000 };

/** Refusals that end by themselves: too many requests, a proxy that waited for too long. */
const PASSING = new Set([408, 425, 429]);

export interface FollowOptions extends Pick<Access, 'getToken'> {
  /** Of the server, without a trailing slash; '' is the page's own origin. */
  baseUrl: string;
  /**
   * The `position` of the last change that was applied. Default `all`: first one `created` for each stored patient, then what
   * changes from then on.
   */
  since?: string;
  /** Ends the iteration when it is aborted. */
  signal?: AbortSignal;
  /** Called when a connection has ended and another one follows. */
  onInterrupted?: () => void;
  fetch?: typeof fetch;
}

export interface FollowedChange extends PatientChange {
  /** The `since` of a later call, which continues after this change. Store it with the copy. */
  position: string;
}

/** The server no longer has the changes after `since`, for `reason`. Delete what the copy has, and follow again with `since: 'all'`. */
export class PatientChangesLostError extends Error {
  override readonly name = 'PatientChangesLostError';
  readonly reason: LostReason | null;

  constructor(reason: LostReason | null) {
    super(
      `The changes after this position are no longer available (${reason}). Empty the copy, and follow again with since: 'all'.`,
    );
    this.reason = reason;
  }
}

/** The server refuses the request, so that another try would not help: a token without the right, an unknown address. */
export class PatientChangesRefusedError extends Error {
  override readonly name = 'PatientChangesRefusedError';
  readonly status: number;

  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

/**
 * @throws PatientChangesLostError when the copy has to start over
 * @throws PatientChangesRefusedError when the server refuses
 */
export async function* followPatientChanges(
  organizationId: number,
  options: FollowOptions,
): AsyncGenerator<FollowedChange, void, undefined> {
  const { signal, onInterrupted } = options;
  const state: FollowState = { position: options.since ?? 'all', failures: 0, retryMs: undefined };
  while (!signal?.aborted) {
    for await (const frame of connect(organizationId, state.position, options)) {
      const change = take(frame, state);
      if (change !== undefined) yield change;
    }
    if (signal?.aborted) return;
    onInterrupted?.();
    await pause(state.retryMs ?? backoffMs(state.failures++, RETRY, Math.random()), signal);
    state.retryMs = undefined;
  }
}

interface FollowState {
  position: string;
  /** Connections in a row that did not begin. */
  failures: number;
  /** The server named the time of the next connection. */
  retryMs: number | undefined;
}

/** @throws PatientChangesLostError */
function take(frame: ChangeFrame, state: FollowState): FollowedChange | undefined {
  if (frame.type === 'hello') {
    if (!frame.hello.recovered) throw new PatientChangesLostError(frame.hello.reason);
    state.failures = 0;
  } else if (frame.type === 'bye') {
    state.retryMs = frame.bye.retry_ms;
  } else {
    state.position = frame.position;
    const { v: _v, type: _type, organization_id: _organization, ...change } = frame.change;
    return { ...change, position: frame.position };
  }
  return undefined;
}

/** No frame when the server does not answer, or answers that it cannot serve now. */
async function* connect(
  organizationId: number,
  position: string,
  { baseUrl, fetch: fetchNow = fetch, getToken, signal }: FollowOptions,
): AsyncGenerator<ChangeFrame> {
  const path = `${baseUrl}/api/v1/cliniko/patients/${organizationId}/changes/stream`;
  const headers = { accept: 'text/event-stream', ...(await authorization({ getToken })) };
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  const limit = setTimeout(abort, ANSWER_WITHIN_MS);
  signal?.addEventListener('abort', abort);
  try {
    const request = { headers, cache: 'no-store', signal: stop.signal } as const;
    const response = await fetchNow(withQuery(path, 'since', position), request).catch(() => undefined);
    clearTimeout(limit);
    if (response === undefined) return;
    if (isEventStream(response)) yield* framesOf(response.body, position);
    else if (isFinal(response.status)) throw await refusal(response);
  } finally {
    clearTimeout(limit);
    signal?.removeEventListener('abort', abort);
    stop.abort();
  }
}

const isFinal = (status: number): boolean => status >= 400 && status < 500 && !PASSING.has(status);

async function refusal(response: Response): Promise<PatientChangesRefusedError> {
  const problem = Refusal.safeParse(await response.json().catch(() => undefined));
  const detail = problem.data?.detail ?? `The server refuses to send the changes (${response.status}).`;
  return new PatientChangesRefusedError(response.status, detail);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}
