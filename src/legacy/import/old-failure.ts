/**
 * What an error text of the old system says, without its words. Such texts contain patients: names in a validation error, a
 * whole row in an error of the database. So nothing is copied but ids of patients; each text becomes one sentence from the
 * tables below.
 */
import { parseJson } from '#contract/parse-json.ts';
import type { SyncErrorType } from '#contract/sync-log.ts';
import { ERRORS_KEPT } from '../../sync/run-state.ts';

export interface OldFailure {
  errorType: SyncErrorType;
  details: string;
}

export const TIMED_OUT: OldFailure = {
  errorType: 'SYNC_INTERRUPTED',
  details: 'The sync timed out in the old system.',
};
export const CANCELLED: OldFailure = {
  errorType: 'SYNC_CANCELLED',
  details: 'The sync was cancelled in the old system.',
};
export const NEVER_ENDED: OldFailure = {
  errorType: 'SYNC_INTERRUPTED',
  details: 'The sync was interrupted: the old system never recorded its end.',
};
const UNKNOWN: OldFailure = {
  errorType: 'INTERNAL_ERROR',
  details: 'The sync failed in the old system. Its error text was not copied, because it may name patients.',
};
const WITHOUT_TEXT: OldFailure = {
  errorType: 'INTERNAL_ERROR',
  details: 'The sync failed in the old system, which recorded no reason.',
};

/** The first pattern that matches decides. */
const FAILURES: readonly [RegExp, OldFailure][] = [
  [
    /\b401\b|unauthori[sz]ed|authentication failed|invalid api key/i,
    {
      errorType: 'CLINIKO_AUTH_FAILED',
      details: 'Cliniko API authentication failed: Invalid API key',
    },
  ],
  [
    /\b403\b|forbidden/i,
    { errorType: 'CLINIKO_FORBIDDEN', details: 'Cliniko refused the request of the old system.' },
  ],
  [
    /\b429\b|rate.?limit|too many requests/i,
    { errorType: 'CLINIKO_RATE_LIMITED', details: 'Cliniko limited the requests of the old system.' },
  ],
  [
    /constraint|duplicate key|not-null|foreign key/i,
    {
      errorType: 'DATABASE_CONSTRAINT_ERROR',
      details: 'Database constraint violation in the old system.',
    },
  ],
  [
    /psycopg|postgres|supabase|sqlalchemy|database/i,
    { errorType: 'DATABASE_UNAVAILABLE', details: 'The database of the old system failed.' },
  ],
  [/time.?out|timed out/i, TIMED_OUT],
  [
    /\b50[0234]\b|bad gateway|unavailable|connection/i,
    { errorType: 'CLINIKO_UNAVAILABLE', details: 'The old system could not reach Cliniko.' },
  ],
  [/cancel/i, CANCELLED],
];

/** @param text as it is stored: plain or JSON */
export function readFailure(text: string | null): OldFailure {
  if (isEmpty(text)) return WITHOUT_TEXT;
  return FAILURES.find(([pattern]) => pattern.test(text))?.[1] ?? UNKNOWN;
}

/** Empty, or an empty JSON value. */
export function isEmpty(text: string | null): text is null {
  return text === null || /^\s*(null|""|\[\s*\]|\{\s*\})?\s*$/.test(text);
}

/** The reasons of our own lines, so that old and new runs read alike. */
const REASONS: readonly [RegExp, string][] = [
  [/phone/i, 'Invalid phone number format'],
  [/e-?mail/i, 'Missing or invalid email field'],
  [/birth|\bdob\b|\bdate/i, 'Invalid date'],
  [/constraint|duplicate|unique/i, 'Database constraint violation'],
];
const OTHER_REASON = 'Could not be stored';

const ID_KEYS = ['patient_id', 'cliniko_patient_id', 'cliniko_id', 'id'];
/** With "ID" or "#": a number behind the mere word may be a telephone number. */
const PATIENT_ID = /\bpatient(?:[ _]id[ :#=]{1,3}| ?#)([0-9]{1,19})\b/i;

/** @returns lines such as "Patient ID 12345: Invalid phone number format", the newest, and how many there were */
export function readPatientLines(...texts: (string | null)[]): { lines: string[]; total: number } {
  const items = texts.flatMap((text) => listOf(parseJson(text)));
  const lines = items.slice(-ERRORS_KEPT).flatMap((item) => {
    const id = patientIdOf(item);
    const text = typeof item === 'string' ? item : JSON.stringify(item);
    const reason = REASONS.find(([pattern]) => pattern.test(text))?.[1] ?? OTHER_REASON;
    return id === undefined ? [] : [`Patient ID ${id}: ${reason}`];
  });
  return { lines, total: items.length };
}

/** A list, or the list below one of the keys in use. */
function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  if (!isObject(value)) return [];
  const list = ['errors', 'failed_patients', 'patient_errors'].map((key) => value[key]).find(Array.isArray);
  return list ?? [];
}

function patientIdOf(item: unknown): string | undefined {
  if (typeof item === 'string') return PATIENT_ID.exec(item)?.[1];
  if (!isObject(item)) return undefined;
  const ids = ID_KEYS.map((key) => item[key]).filter(
    (id) => typeof id === 'string' || typeof id === 'number',
  );
  return ids.map(String).find((id) => /^[0-9]{1,19}$/.test(id));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
