/**
 * The parts of a walk: each stop's records, cut into what is stored together, and made ready to be stored.
 *
 * Neighbours: itinerary.ts gives the stops, prepare.ts reads a part, intake.ts hands it to the database.
 */
import type { ISql } from 'postgres';
import { readId } from '../../cliniko/wire.ts';
import type { ReadingRules } from '../../patients/from-cliniko.ts';
import type { MetIds } from '../../patients/missing.ts';
import { hasPatients, readStoredVersions, type StoredVersions } from '../../patients/store.ts';
import type { Stop } from '../read/fetched-page.ts';
import type { OpenRun } from '../run-context.ts';
import { batchSize } from '../run-state.ts';
import type { Lookahead } from './commit-queue.ts';
import { type PreparedBatch, prepareBatch } from './prepare-batch.ts';

/** Records of one page that are stored together, or an empty page. */
interface Part {
  stop: Stop;
  records: readonly unknown[];
  /** Whether it begins, and ends, its page. */
  first: boolean;
  last: boolean;
}

export async function* cutIntoParts(
  run: OpenRun,
  stops: AsyncGenerator<Stop>,
  seen: MetIds,
  ahead: Lookahead,
): AsyncGenerator<Part> {
  const { page, place } = run.state;
  for await (const stop of stops) {
    const records = recordsToStore(stop, { page, place }, seen);
    const found = stop.leg === 'walk' ? (stop.total ?? run.state.found) : run.state.found;
    const size = batchSize(found);
    for (let from = 0; from === 0 || from < records.length; from += size) {
      const last = from + size >= records.length;
      ahead.handOn();
      yield { stop, records: records.slice(from, from + size), first: from === 0, last };
    }
  }
}

function recordsToStore(
  stop: Stop,
  begin: { page: number; place: number },
  seen: MetIds,
): readonly unknown[] {
  switch (stop.leg) {
    case 'walk':
      // An earlier attempt was in the middle of this page.
      return stop.number === begin.page ? stop.records.slice(begin.place) : stop.records;
    case 'round':
      // A round looks for those whom the walk missed.
      return stop.records.filter((record) => !seen.has(readId(record) ?? ''));
    case 'sweep':
      return stop.records;
    default:
      return stop satisfies never;
  }
}

export type PreparedPart = Part & { batch: PreparedBatch | undefined };

export async function* prepareParts(
  run: OpenRun,
  parts: AsyncGenerator<Part>,
  rules: ReadingRules,
): AsyncGenerator<PreparedPart> {
  const { sql } = run.tools.database;
  const { organizationId } = run.claimed.lease;
  const isNew = !(await hasPatients(sql, organizationId));
  let stored: StoredVersions = NOBODY;
  for await (const part of parts) {
    const { stop, records, first, last: endsPage } = part;
    // The walk of a new clinic meets nobody whom we have. Whom it meets twice is written twice, and counted once.
    const mayBeStored = !isNew || stop.leg !== 'walk';
    if (first) stored = mayBeStored ? await readVersions(sql, organizationId, stop) : NOBODY;
    const batch = records.length > 0 ? await prepareBatch({ records, endsPage }, rules, stored) : undefined;
    yield { ...part, batch };
  }
}

const NOBODY: StoredVersions = new Map();

/** Of a whole page at once. Who writes meanwhile, such as a retry of the quarantine, is met by the conditions of the upsert. */
async function readVersions(sql: ISql, organizationId: number, { records }: Stop): Promise<StoredVersions> {
  const ids = records.flatMap((record) => readId(record) ?? []);
  return ids.length > 0 ? await readStoredVersions(sql, organizationId, ids) : NOBODY;
}
