/**
 * A tolerant parser of Cliniko's JSON: no record is lost to an absent, empty, unknown or mistyped field.
 *
 * Only the id is required, so only a record without a usable id is not a patient. A field whose value is not understood is
 * read as absent and reported as an oddity: the name of the field, never its value.
 *
 * Not here: how a patient is validated and stored (patients/parse-patient.ts).
 */
import { z } from 'zod';

/** The envelope of a list. `patients` must be a list; the rest may be missing. */
export const WireEnvelope = z.object({
  patients: z.array(z.unknown()),
  total_entries: z
    .union([
      z.int().min(0),
      z
        .string()
        .regex(/^[0-9]{1,15}$/)
        .transform(Number),
    ])
    .optional()
    .catch(undefined),
  links: z
    .object({ next: z.string().min(1).optional().catch(undefined) })
    .optional()
    .catch(undefined),
});

export interface WirePhone {
  /** As entered by a person; never empty. */
  typed: string;
  /** Normalized by Cliniko: country code and number, without a plus. Older records have none. */
  normalized: string | null;
}

export interface WirePatient {
  /** Exact digits, up to 19. */
  id: string;
  firstName: string | null;
  lastName: string | null;
  email: string | null;
  phones: WirePhone[];
  /** `YYYY-MM-DD`, a valid calendar date. */
  dateOfBirth: string | null;
  /** Times are ISO 8601 UTC. */
  createdAt: string | null;
  updatedAt: string | null;
  archivedAt: string | null;
  /** Id of the patient that this one was merged into. */
  mergedInto: string | null;
}

export type ParsedRecord = { kind: 'patient'; patient: WirePatient; oddities: string[] } | { kind: 'no-id' };

/** @returns the value of a field of a record; undefined when it has none */
export function readField(record: unknown, name: string): unknown {
  return isFields(record) ? record[name] : undefined;
}

/** @returns the exact digits of an id; undefined when the value is not usable as one */
export function readId(id: unknown): string | undefined {
  // A number is used only if JavaScript represents it exactly. Larger ids of a page are strings (exact-numbers.ts).
  if (typeof id === 'number') return Number.isSafeInteger(id) && id >= 0 ? String(id) : undefined;
  return typeof id === 'string' && ID.test(id) ? id : undefined;
}

const ID = /^[0-9]{1,19}$/;

export function parseWirePatient(record: unknown): ParsedRecord {
  const id = readId(readField(record, 'id'));
  if (!isFields(record) || id === undefined) return { kind: 'no-id' };
  const read = createReader(record);
  const patient: WirePatient = {
    id,
    firstName: read('first_name', asText),
    lastName: read('last_name', asText),
    email: read('email', asText),
    phones: read('patient_phone_numbers', asPhones) ?? [],
    dateOfBirth: read('date_of_birth', asDay),
    createdAt: read('created_at', readTime),
    updatedAt: read('updated_at', readTime),
    archivedAt: read('archived_at', readTime),
    mergedInto: read('merged_with_patient', asLinkedId),
  };
  return { kind: 'patient', patient, oddities: read.oddities };
}

/** No schema is used here, because this runs for each patient: a schema would take half of a sync's parsing time. */
function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function createReader(fields: Record<string, unknown>) {
  const oddities: string[] = [];
  /** @param parse returns undefined for a value that it does not understand */
  const read = <T>(name: string, parse: (value: unknown) => T | undefined): T | null => {
    const value = fields[name];
    if (isNothing(value)) return null;
    const parsed = parse(value);
    if (parsed === undefined) oddities.push(name);
    return parsed ?? null;
  };
  return Object.assign(read, { oddities });
}

/** Cliniko uses null and "" for the same thing. A text that PostgreSQL cannot store at all is absent too. */
function isNothing(value: unknown): boolean {
  if (typeof value === 'string') return storableText(value).trim() === '';
  return value === undefined || value === null;
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return storableText(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

/** Items without a number are skipped. A value that is not a list is an oddity. */
function asPhones(value: unknown): WirePhone[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((item: unknown) => {
    if (!isFields(item)) return [];
    const normalized = asPhoneText(item.normalized_number);
    const typed = asPhoneText(item.number) ?? normalized;
    return typed === null ? [] : [{ typed, normalized }];
  });
}

function asPhoneText(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && !isNothing(value) ? storableText(value) : null;
}

const DAY = /^(?!0000)\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/;

/** PostgreSQL rejects year 0 and dates such as February 30. */
function asDay(value: unknown): string | undefined {
  if (typeof value !== 'string' || !DAY.test(value)) return undefined;
  // Every month has at least 28 days, so only later days are checked against the calendar.
  if (value.slice(-2) <= '28') return value;
  return startOfDay(value)?.startsWith(value) ? value : undefined;
}

/** JavaScript parses February 30 as March 2. */
function startOfDay(day: string): string | undefined {
  const date = new Date(`${day}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

const UTC_SECONDS = /^(?!0000)(\d{4}-\d{2}-\d{2})T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/;

const Time = z.iso.datetime({ offset: true });

/** Neither zod nor JavaScript knows it. PostgreSQL reads it as the second that follows, and so does `readTime`. */
const LEAP_SECOND = /(?<=T\d\d:\d\d:)60(?=[.Z+-])/;

/** At the limits of the calendar an offset may lead outside: to year 0, which PostgreSQL rejects, or to +010000. */
const STORABLE_TIME = /^(?!0000)\d{4}-/;

/** @returns ISO 8601 UTC with milliseconds; undefined when the value is not a time */
export function readTime(value: unknown): string | undefined {
  // The format that Cliniko always uses.
  const day = typeof value === 'string' ? UTC_SECONDS.exec(value)?.[1] : undefined;
  if (day !== undefined && asDay(day) !== undefined) return `${String(value).slice(0, 19)}.000Z`;
  const isLeap = typeof value === 'string' && LEAP_SECOND.test(value);
  const time = Time.safeParse(isLeap ? value.replace(LEAP_SECOND, '59') : value);
  if (!time.success) return undefined;
  const date = new Date(Date.parse(time.data) + (isLeap ? 1_000 : 0));
  const utc = Number.isNaN(date.getTime()) ? '' : date.toISOString();
  return STORABLE_TIME.test(utc) ? utc : undefined;
}

const Linked = z.object({ links: z.object({ self: z.string() }) });

const LINKED_ID = /\/([0-9]{1,19})\/?$/;

function asLinkedId(value: unknown): string | undefined {
  const linked = Linked.safeParse(value);
  if (!linked.success) return undefined;
  // Without the query first: to look for it at each slash of a hostile text would take time by the square of its length.
  const [path = ''] = linked.data.links.self.split('?', 1);
  return LINKED_ID.exec(path)?.[1];
}

/** PostgreSQL's text can store neither NUL nor a lone surrogate. */
function storableText(text: string): string {
  return text.toWellFormed().replaceAll('\0', '');
}

/**
 * The JSON text of a record, on one line, in a form that PostgreSQL can store. In JSON text NUL and lone surrogates are
 * written as escapes; an escaped backslash before such a sequence makes it plain text. The rest is unchanged.
 */
export function storableJson(json: string): string {
  if (!json.includes('\\u') || !UNSTORABLE.test(json)) return json;
  return json.replaceAll(ESCAPES, (sequence, hex: string | undefined) => {
    if (hex === undefined) return sequence;
    return hex === '0000' ? '' : '\\ufffd';
  });
}

const UNSTORABLE = /\\u(?:0000|d[89a-f])/i;

/** The first alternative matches a complete pair, which is kept. */
const ESCAPES = /\\(?:ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|u(0000|d[89a-f][0-9a-f]{2})|.)/gi;
