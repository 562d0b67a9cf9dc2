/**
 * Answers `GET /patients/:orgId/changes`: where a client continues, and what it gets.
 *
 * `since=all` goes through the table in pages and then leads into the log. Its `next` contains the head at the first page, so
 * changes that are made while the client reads pages follow after the last one.
 */
import type { ISql } from 'postgres';
import { formatCursor, parseCursor } from '#contract/cursor.ts';
import { type LogRange, whyLost } from '#contract/lost-cursor.ts';
import type { PatientChanges } from '#contract/patient-change.ts';
import type { LostReason } from '#contract/stream-event.ts';
import { type ChangeHeads, readAllAsCreated, readChangesAfter } from './change-log.ts';

export interface ChangesWanted {
  /** As the client sent it; undefined: only later changes. */
  since: string | undefined;
  /** 1 to 1,000. */
  limit: number;
}

/** The log of patient changes as streams read it. Each call succeeds or fails within a time limit; the caller retries. */
export interface ChangeLog {
  /** At least so long from one read of new changes to the next. */
  readonly spacingMs: number;
  readHeads(organizationIds: readonly number[]): Promise<ChangeHeads>;
  follow(organizationId: number, wanted: ChangesWanted): Promise<PatientChanges>;
  /** Ends an epoch whose history is lost, for all servers. */
  endEpoch(epoch: string): Promise<void>;
}

/** A page of `since=all`: `all.<cursor of the head at the first page>.<Cliniko id of the last patient>`. */
const LATER_PAGE = /^all\.([a-z0-9]{1,32}\.[0-9]{1,18})\.([0-9]{1,20})$/;

/** The cursor at which the log continues after the pages of `since=all`; a cursor is its own; undefined for `all` itself. */
export function startOfPages(since: string): string | undefined {
  return since === 'all' ? undefined : (LATER_PAGE.exec(since)?.[1] ?? since);
}

export async function followChanges(
  sql: ISql,
  organizationId: number,
  { since, limit }: ChangesWanted,
): Promise<PatientChanges> {
  if (since === 'all') return await firstPage(sql, organizationId, limit);
  const [, start, after] = LATER_PAGE.exec(since ?? '') ?? [];
  if (start !== undefined && after !== undefined) {
    return await laterPage(sql, organizationId, { start, after, limit });
  }
  const cursor = since === undefined ? undefined : parseCursor(since);
  const { log, changes } = await readChangesAfter(sql, organizationId, cursor?.seq ?? null, limit);
  if (since === undefined) return answer([], formatCursor(log.epoch, log.head));
  const reason = whyLost(since, log) ?? (hasGap(Number(cursor?.seq), log.head, changes) ? 'trimmed' : null);
  if (reason !== null) return lost(log, reason);
  return answer(changes, changes.at(-1)?.cursor ?? since);
}

/** Retention deletes by time, and the clock of the database may have gone back: then changes are missing between later ones. */
function hasGap(after: number, head: number, changes: PatientChanges['changes']): boolean {
  const last = changes.at(-1)?.seq ?? after;
  return last - after !== changes.length || (changes.length === 0 && after < head);
}

async function firstPage(sql: ISql, organizationId: number, limit: number): Promise<PatientChanges> {
  const { log, changes } = await readAllAsCreated(sql, organizationId, '', limit);
  return pageOf(changes, formatCursor(log.epoch, log.head), limit);
}

async function laterPage(
  sql: ISql,
  organizationId: number,
  { start, after, limit }: { start: string; after: string; limit: number },
): Promise<PatientChanges> {
  const { log, changes } = await readAllAsCreated(sql, organizationId, after, limit);
  const reason = whyLost(start, log);
  return reason === null ? pageOf(changes, start, limit) : lost(log, reason);
}

/** @param start where the log continues after the last page */
function pageOf(changes: PatientChanges['changes'], start: string, limit: number): PatientChanges {
  const last = changes.length < limit ? undefined : changes.at(-1);
  return answer(changes, last === undefined ? start : `all.${start}.${last.cliniko_patient_id}`);
}

const answer = (changes: PatientChanges['changes'], next: string): PatientChanges => ({
  changes,
  next,
  recovered: true,
  reason: null,
});

const lost = (log: LogRange, reason: LostReason): PatientChanges => ({
  changes: [],
  next: formatCursor(log.epoch, log.head),
  recovered: false,
  reason,
});
