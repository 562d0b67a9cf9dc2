/** The second adapter of the patient source: a clinic in memory with scripted behaviour. */
import { ClinikoRecord, readRecords } from '../../src/cliniko/record.ts';
import type { PageQuery, PatientPage, PatientSource, RequestOptions } from '../../src/cliniko/source.ts';

export interface ScriptedSource extends PatientSource {
  /** The numbered pages of the whole clinic that were requested, in order. */
  readonly asked: number[];
  /** The maximum number of simultaneous requests. */
  readonly mostAtOnce: number;
  /** Replaces the answer to the next request for such a page. */
  onPage(
    page: number,
    act: (query: PageQuery, options: RequestOptions) => PatientPage | Promise<PatientPage>,
  ): void;
}

/** @param records in the order of the pages; each of Cliniko, or a value to make one from */
export function scriptedSource(records: readonly unknown[], lie: Partial<PatientPage> = {}): ScriptedSource {
  const asked: number[] = [];
  const script = new Map<number, Parameters<ScriptedSource['onPage']>[1]>();
  let underWay = 0;
  let mostAtOnce = 0;
  return {
    asked,
    get mostAtOnce() {
      return mostAtOnce;
    },
    estimateWaitMs: () => 0,
    onPage: (page, act) => void script.set(page, act),
    async page(query, options) {
      const isNumbered = query.sort.startsWith('created_at');
      if (isNumbered) asked.push(query.page);
      options.onRequest?.();
      mostAtOnce = Math.max(mostAtOnce, ++underWay);
      try {
        // One iteration of the event loop, the minimum for a network.
        await new Promise(setImmediate);
        options.signal.throwIfAborted();
        if (!isNumbered) return pageOf(matching(records, query), query);
        const act = script.get(query.page);
        script.delete(query.page);
        return act === undefined ? { ...pageOf(records, query), ...lie } : await act(query, options);
      } finally {
        underWay--;
      }
    },
  };
}

const SINGLES_OUT = /^(id|updated_at|archived_at):(>=|>|=)(.*)$/;

/** The filters and orders of Cliniko that a sync uses. No patient occurs twice. */
function matching(records: readonly unknown[], { filters, sort }: PageQuery): unknown[] {
  const [by = 'id'] = sort.split(':');
  const people = new Map(records.map((record) => [fieldOf(record, 'id'), record]));
  const found = [...people.values()].filter((record) => filters.every((filter) => matches(record, filter)));
  const key = (record: unknown) => `${fieldOf(record, by)} ${fieldOf(record, 'id').padStart(20)}`;
  return found.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

function matches(record: unknown, filter: string): boolean {
  const [, field = '', operator, value = ''] = SINGLES_OUT.exec(filter) ?? [];
  const actual = fieldOf(record, field);
  switch (operator) {
    case '=':
      return value.split(',').includes(actual);
    case '>':
      return BigInt(actual) > BigInt(value);
    case '>=':
      return actual !== '' && actual >= value;
    default:
      return true;
  }
}

/** Empty when the field is missing. */
function fieldOf(record: unknown, field: string): string {
  const fields = record instanceof ClinikoRecord ? record.parse() : record;
  return String(Object(fields)[field] ?? '');
}

/** The record with this JSON text. */
export function recordOf(json: string): ClinikoRecord {
  const [record] = readRecords(Buffer.from(`{"records":[${json}]}`), 'records')?.records ?? [];
  if (record === undefined) throw new Error(`This is not the JSON of one record: ${json}`);
  return record;
}

/** Records as a page contains them. */
export const clinikoRecords = (values: readonly unknown[]): ClinikoRecord[] =>
  values.map((value) => (value instanceof ClinikoRecord ? value : recordOf(JSON.stringify(value))));

function pageOf(records: readonly unknown[], { page, perPage }: PageQuery): PatientPage {
  const from = (page - 1) * perPage;
  return {
    records: clinikoRecords(records.slice(from, from + perPage)),
    totalEntries: records.length,
    hasNext: from + perPage < records.length,
  };
}

/** Patients with only the fields that a sync needs; `n` counts from 1. */
export function person(n: number, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: String(1_400_000_000_000_000_000n + BigInt(n)),
    first_name: `First${n}`,
    last_name: `Last${n}`,
    email: `p${n}@example.com`,
    created_at: '2025-01-01T00:00:00Z',
    updated_at: '2025-01-01T00:00:00Z',
    archived_at: null,
    patient_phone_numbers: [],
    ...fields,
  };
}

export const people = (count: number) => Array.from({ length: count }, (_, index) => person(index + 1));
