/**
 * The guide's polling loop: requests the latest run repeatedly, with `If-None-Match` so that an unchanged answer has
 * no body. Works through every proxy that passes plain requests.
 *
 * Not here: when to poll (direct-watch.ts).
 */
import * as z from 'zod/mini';
import { parseCursor } from '#contract/cursor.ts';
import { SyncLog } from '#contract/sync-log.ts';
import { type Access, authorization } from './access.ts';
import type { PolledState } from './organization-state.ts';

export interface PollOptions {
  url: string;
  access: Access;
  /** The known cursor: an answer that is no newer has no body, from the first poll on. */
  since: string | null;
  fetch: typeof fetch;
  intervalMs: number;
  onState(polled: PolledState): void;
  /** The server answered, without a change. */
  onUnchanged(): void;
  /** @param status of the server's refusal; undefined when there is no answer, or an unreadable one */
  onFailure(status: number | undefined): void;
}

export interface Poll {
  /** Polls at once; the interval continues from there. */
  now(): void;
  stop(): void;
}

const ANSWER_WITHIN_MS = 10_000;

/** The part of `SyncLogList` that is used. */
const LatestLogs = z.object({ logs: z.array(SyncLog) });

/** Polls at once, then `intervalMs` after each answer, so that slow answers never pile up. */
export function startPolling(options: PollOptions): Poll {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking: AbortController | undefined;
  let etag = options.since === null ? null : `"${options.since}"`;

  const ask = async (request: AbortController): Promise<void> => {
    const answer = await askOnce(options, etag, request);
    if (request !== asking) return;
    if (typeof answer === 'number' || answer === undefined) options.onFailure(answer);
    else if (answer === 'unchanged') options.onUnchanged();
    else {
      etag = answer.etag;
      options.onState(answer.polled);
    }
  };
  const now = (): void => {
    clearTimeout(timer);
    asking?.abort();
    const request = new AbortController();
    asking = request;
    void ask(request).finally(() => {
      if (request === asking) timer = setTimeout(now, options.intervalMs);
    });
  };
  now();
  return {
    now,
    stop() {
      clearTimeout(timer);
      asking?.abort();
      asking = undefined;
    },
  };
}

type Answer = number | undefined | 'unchanged' | { etag: string | null; polled: PolledState };

/** Never rejects: every kind of failure has the same consequence, the next poll. */
async function askOnce(options: PollOptions, etag: string | null, request: AbortController): Promise<Answer> {
  const late = setTimeout(() => request.abort(), ANSWER_WITHIN_MS);
  try {
    const headers = { ...(await authorization(options.access)), ...(etag && { 'If-None-Match': etag }) };
    const response = await options.fetch(options.url, { headers, signal: request.signal });
    if (response.status === 304) return 'unchanged';
    if (!response.ok) return response.status;
    const log = latestOf(await response.json());
    if (log === undefined) return undefined;
    const newEtag = response.headers.get('etag');
    return { etag: newEtag, polled: { head: headOf(newEtag), log } };
  } catch {
    return undefined;
  } finally {
    clearTimeout(late);
  }
}

/** The first of `{logs: […]}`: null when the list is empty, undefined when the answer has another shape. */
function latestOf(answer: unknown): PolledState['log'] | undefined {
  const list = LatestLogs.safeParse(answer);
  return list.success ? (list.data.logs[0] ?? null) : undefined;
}

/** The ETag is the quoted cursor of the stream's head. A proxy that compresses makes it weak: `W/"…"`. */
function headOf(etag: string | null): string | null {
  const head = etag?.replace(/^W\//, '').replaceAll('"', '') ?? '';
  return parseCursor(head) === undefined ? null : head;
}
