/**
 * What a client knows of one organization, and how each answer changes it. Pure.
 *
 * The stream and the poll carry the same sync log. Both are applied here, so a client may change the transport in the
 * middle of a run. An answer that is older than the known state is ignored, whichever way it arrives.
 *
 * Not here: how answers arrive (event-stream.ts, organization-socket.ts, poll.ts), when to change the transport
 * (transport-fallback.ts, direct-watch.ts).
 */
import { parseCursor } from '#contract/cursor.ts';
import { isEarlierRun, type RunStart } from '#contract/run-order.ts';
import type { ChangeEvent, StreamEvent } from '#contract/stream-event.ts';
import type { SyncLog } from '#contract/sync-log.ts';

export interface OrganizationState {
  readonly organizationId: number;
  /** The position in the stream up to which everything is known; null before the first answer. */
  readonly cursor: string | null;
  /** False until the first answer: "has never synced" differs from "not known yet". */
  readonly isKnown: boolean;
  /** The latest run. */
  readonly log: SyncLog | null;
  /** The percentage of the bar, 0 to 100. It never falls within one run. */
  readonly percent: number;
}

/** The state of an organization when a poll was answered. `head` is null when the server did not send one. */
export interface PolledState {
  head: string | null;
  log: SyncLog | null;
}

export function unknownOrganization(organizationId: number): OrganizationState {
  return { organizationId, cursor: null, isKnown: false, log: null, percent: 0 };
}

export function applyEvent(state: OrganizationState, event: StreamEvent): OrganizationState {
  if (event.type === 'snapshot') return applyPolledState(state, { head: event.cursor, log: event.log });
  return applyChange(state, event);
}

/** A polled state replaces everything, unless it is older. A state of another epoch begins a new history. */
export function applyPolledState(state: OrganizationState, { head, log }: PolledState): OrganizationState {
  const order = compare(head, state.cursor);
  if (order === 'older' || (order === 'same' && state.isKnown)) return state;
  return { ...shown(state, log), cursor: head ?? state.cursor, isKnown: true };
}

/**
 * The run from the answer to a request of this page. The answer has no cursor, so the cursor stays. Since the request the page may
 * have begun to show another organization.
 */
export function applyAnswer(state: OrganizationState, log: SyncLog): OrganizationState {
  if (log.organization_id !== state.organizationId) return state;
  if (isOfEarlierRun(log, state.log) || compare(log.cursor, state.cursor) === 'older') return state;
  return { ...shown(state, log), isKnown: true };
}

/** After a gap that cannot be filled: the next snapshot is accepted at any position. */
export function forgetCursor(state: OrganizationState): OrganizationState {
  return { ...state, cursor: null };
}

export function isRunning(state: OrganizationState): boolean {
  return state.log?.status === 'running';
}

/** Adopts the state of another tab as it is; only the bar keeps what it has shown. */
export function adoptState(state: OrganizationState, other: OrganizationState): OrganizationState {
  const isSame = other.log !== null && isSameRun(other.log, state.log);
  return { ...other, percent: isSame ? Math.max(state.percent, other.percent) : other.percent };
}

/** Whether `cursor` is beyond `known`, or in another history, so that an event in between was missed. */
export function isAhead(cursor: string | null, known: string | null): boolean {
  if (cursor === null || known === null) return false;
  const order = compare(cursor, known);
  return order === 'newer' || order === 'other-epoch';
}

/** Whether everything up to `head` has arrived. */
export function hasReached(state: OrganizationState, head: string): boolean {
  return state.cursor !== null && !isAhead(head, state.cursor);
}

/** A new epoch always begins with a snapshot, so a change of another epoch is stale. */
function applyChange(state: OrganizationState, event: ChangeEvent): OrganizationState {
  const order = compare(event.cursor, state.cursor);
  if (order !== 'newer' && order !== 'first') return state;
  const log = isOfEarlierRun(event.log, state.log) ? state.log : event.log;
  return { ...shown(state, log), cursor: event.cursor, isKnown: true };
}

function shown(state: OrganizationState, log: SyncLog | null): OrganizationState {
  return { ...state, log, percent: log === null ? 0 : barPercent(log, state) };
}

/** Rows of other programs may complete without a percentage, or have one out of range. */
function barPercent(log: SyncLog, before: OrganizationState): number {
  if (log.status === 'completed') return 100;
  const percent = Math.min(100, Math.max(0, log.metadata.progress_percent));
  return isSameRun(log, before.log) ? Math.max(before.percent, percent) : percent;
}

/** Ids may be reused after a database was restored, so the start time counts too. */
function isSameRun(log: SyncLog, other: SyncLog | null): boolean {
  return other !== null && log.id === other.id && log.started_at === other.started_at;
}

const startOf = ({ id, started_at }: SyncLog): RunStart => ({ id, startedAt: started_at });

const isOfEarlierRun = (log: SyncLog, other: SyncLog | null): boolean =>
  isEarlierRun(startOf(log), other && startOf(other));

type Order = 'first' | 'older' | 'same' | 'newer' | 'other-epoch' | 'unknown';

function compare(cursor: string | null, known: string | null): Order {
  if (known === null) return 'first';
  const [one, other] = [cursor === null ? undefined : parseCursor(cursor), parseCursor(known)];
  if (one === undefined || other === undefined) return 'unknown';
  if (one.epoch !== other.epoch) return 'other-epoch';
  if (one.seq === other.seq) return 'same';
  return one.seq < other.seq ? 'older' : 'newer';
}
