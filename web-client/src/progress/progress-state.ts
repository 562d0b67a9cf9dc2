/**
 * What `useSyncProgress` shows, in React and in Vue: how it watches, what it returns, and how it starts a sync.
 *
 * Not here: the frameworks (react/use-sync-progress.ts, vue/use-sync-progress.ts).
 */
import { stepText } from '#contract/progress.ts';
import { StartedSync, type SyncLog } from '#contract/sync-log.ts';
import { type Access, authorization, Refusal } from '../live/access.ts';
import type { Connection } from '../live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { watchOrganization } from '../live/watch-organization.ts';
import { byClient, learnServerTime, listenToServerTime } from '../server-time.ts';
import { completeTexts, nextAttemptAt, type SyncProgressTexts } from './texts.ts';

export interface SyncProgressOptions extends Access {
  /** Of the server, without a trailing slash. Default: the page's own origin. */
  baseUrl?: string | undefined;
  /** For another language. */
  texts?: Partial<Pick<SyncProgressTexts, 'step' | 'problem' | 'never'>> | undefined;
}

export interface ProgressState {
  /** The latest run, as in the poll's answer; null when there is none, or none is known yet. */
  progress: SyncLog | null;
  /** False until the first answer. */
  isKnown: boolean;
  /** 0 to 100; it never falls within one run. */
  percent: number;
  /** `unknown` until the first answer; `never`: no sync has run. */
  status: SyncLog['status'] | 'unknown' | 'never';
  /** When a run that waits for Cliniko tries again, by the clock of this computer in milliseconds since 1970; null while none waits. */
  nextAttemptAt: number | null;
  /** The current step, in the guide's words. */
  step: string;
  /** The failure and its solution; null without a failure. */
  problem: string | null;
  connection: Connection;
}

/** What the watch has reported last. */
export interface Watched {
  state: OrganizationState;
  connection: Connection;
}

export function nothingWatched(organizationId: number): Watched {
  // Next.js refuses to prerender a component that calls `Date.now()`.
  const since = Math.round(performance.timeOrigin + performance.now());
  return { state: unknownOrganization(organizationId), connection: { kind: 'connecting', since } };
}

/** The state of the previous organization does not apply to this one. */
export function progressState(
  { state, connection }: Watched,
  organizationId: number,
  texts: SyncProgressOptions['texts'],
): ProgressState {
  const { step, problem, never } = completeTexts(texts);
  const { log, isKnown, percent } =
    state.organizationId === organizationId ? state : unknownOrganization(organizationId);
  const nextAt = nextAttemptAt(log);
  return {
    progress: log,
    isKnown,
    percent,
    status: log?.status ?? (isKnown ? 'never' : 'unknown'),
    nextAttemptAt: nextAt === null ? null : byClient(nextAt),
    step: log === null ? (isKnown ? never : stepText(null)) : step(log),
    problem: log && problem(log),
    connection,
  };
}

export interface ProgressWatch {
  applyLog(log: SyncLog): void;
  stop(): void;
}

/** Which hooks a component has. */
export interface AccessHooks {
  hasToken: boolean;
  hasStreamToken: boolean;
}

/**
 * Hooks that stay the same for as long as a component has them, and call those of the moment: a component may create
 * new functions each time it renders, and the connection must stay.
 */
export function lastingAccess({ hasToken, hasStreamToken }: AccessHooks, latest: () => Access): Access {
  return {
    getToken: hasToken ? async () => (await latest().getToken?.()) ?? null : undefined,
    getStreamToken: hasStreamToken
      ? async (why) => (await latest().getStreamToken?.(why)) ?? null
      : undefined,
  };
}

/** Runs in browsers only. */
export function watchProgress(
  organizationId: number,
  baseUrl: string,
  access: Access,
  onChange: (watched: Watched) => void,
): ProgressWatch {
  let watched = nothingWatched(organizationId);
  const watch = watchOrganization(organizationId, {
    ...access,
    baseUrl,
    onState: (state, connection) => {
      watched = { state, connection };
      onChange(watched);
      if (nextAttemptAt(state.log) !== null) void learnServerTime(baseUrl);
    },
  });
  const stopWaking = reconnectOnVisible(watch);
  // The countdown has another end.
  const stopListening = listenToServerTime(() => onChange({ ...watched }));
  return {
    applyLog: watch.applyLog,
    stop() {
      stopListening();
      stopWaking();
      watch.stop();
    },
  };
}

/**
 * Starts a full sync, or joins the one that is running.
 *
 * @throws Error with a message that may be shown
 */
export async function startFullSync(
  organizationId: number,
  baseUrl: string,
  access: Access,
): Promise<SyncLog> {
  const headers = await authorization(access);
  const response = await fetch(`${baseUrl}/api/v1/cliniko/sync-all/${organizationId}`, {
    method: 'POST',
    headers,
  }).catch(unreachable);
  const answer: unknown = await response.json().catch(() => undefined);
  const started = StartedSync.safeParse(answer);
  if (started.success) return started.data.log;
  throw new Error(Refusal.safeParse(answer).data?.detail ?? `The sync did not start (${response.status}).`);
}

/** The message of the browser is for developers, and another one in each browser. */
function unreachable(cause: unknown): never {
  throw new Error('The server does not answer. Check your internet connection, then try again.', { cause });
}
