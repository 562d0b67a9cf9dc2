/** The second adapter of the patient source: a clinic in memory that does what a test tells it. */
import type { PageOptions, PageQuery, PatientPage, PatientSource } from '../../src/cliniko/source.ts';

export interface ScriptedSource extends PatientSource {
  /** Pages asked for, in the order of asking. */
  readonly asked: number[];
  /** Requests under way at the same time, at most. */
  readonly mostAtOnce: number;
  /** What the next question for a page does instead of answering. */
  onPage(
    page: number,
    act: (query: PageQuery, options: PageOptions) => PatientPage | Promise<PatientPage>,
  ): void;
}

/** @param records in the order in which pages give them */
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
    onPage: (page, act) => void script.set(page, act),
    async page(query, options) {
      asked.push(query.page);
      options.onRequest?.();
      mostAtOnce = Math.max(mostAtOnce, ++underWay);
      try {
        // A turn of the loop, as a network takes at least.
        await new Promise(setImmediate);
        options.signal.throwIfAborted();
        const act = script.get(query.page);
        script.delete(query.page);
        return act === undefined ? { ...pageOf(records, query), ...lie } : await act(query, options);
      } finally {
        underWay--;
      }
    },
  };
}

function pageOf(records: readonly unknown[], { page, perPage }: PageQuery): PatientPage {
  const from = (page - 1) * perPage;
  return {
    records: records.slice(from, from + perPage),
    totalEntries: records.length,
    hasNext: from + perPage < records.length,
  };
}

/** People with nothing but what a sync needs; `n` counts from 1. */
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
