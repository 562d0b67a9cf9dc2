/** The last step of a crawl: it asks Cliniko by id for stored patients that the scans did not return. */
import type { ISql } from 'postgres';
import { fetchByIds, IDS_AT_ONCE } from '../../cliniko/fetch-by-ids.ts';
import { canMarkMissing, findUnseen, type UnseenPatients } from '../../patients/missing-patients.ts';
import { findUnseenQuarantine } from '../../patients/quarantine.ts';
import { isComplete, isProven } from './completeness.ts';
import type { Crawl } from './crawl.ts';
import { catchUpPage, type FetchedPage } from './fetched-page.ts';

/** What a crawl that saw the whole clinic knows about the stored patients that it did not see. */
export interface VerifiedUnseen {
  /** Patients that Cliniko has confirmed by id to be absent, or that are too many to request. */
  patients: UnseenPatients;
  /** Keys of quarantined records that Cliniko no longer has. */
  quarantined: readonly string[];
  /** Patients and quarantined records of before the run that it saw. Patients that it had already written are not included. */
  recognized: number;
  /** Stored patients that Cliniko neither returned nor confirmed to be absent. */
  unanswered: number;
}

/**
 * Only if the crawl covered the whole clinic and is proven, an unseen patient is missing. If it covered the clinic and there are records
 * without an id, it is not known which patients they are. Then only unseen records without an id are gone: earlier versions of them.
 *
 * @returns undefined unless the crawl covered the whole clinic
 */
export async function* verifyUnseen(
  crawl: Crawl,
  sql: ISql,
): AsyncGenerator<FetchedPage, VerifiedUnseen | undefined> {
  const { plan, position, seen } = crawl;
  if (plan.type !== 'full_patients' || !isComplete(position.coverage)) return undefined;
  const { organizationId, createdAt } = plan;
  const patients = await findUnseen(sql, organizationId, seen, createdAt);
  const quarantine = await findUnseenQuarantine(sql, organizationId, seen, createdAt);
  const recognized = patients.recognized + quarantine.recognized;
  if (!isProven(position.coverage)) {
    const withoutId = quarantine.unseen.filter((record) => record.clinikoPatientId === null);
    const quarantined = withoutId.map((record) => record.recordKey);
    return { patients: { ids: [], stored: 0 }, quarantined, recognized, unanswered: 0 };
  }
  // Implausibly many: they will be held, and requesting each of them would take longer than the run.
  if (patients.ids.length > 0 && !canMarkMissing(patients))
    return { patients, quarantined: [], recognized, unanswered: 0 };
  const records = quarantine.unseen;
  const ids = new Set([...patients.ids, ...records.flatMap((record) => record.clinikoPatientId ?? [])]);
  const unanswered = yield* askByIds(crawl, [...ids]);
  const isGone = (key: string) => !seen.has(key) && !unanswered.has(key);
  return {
    patients: { ...patients, ids: patients.ids.filter(isGone) },
    quarantined: records.map((record) => record.recordKey).filter(isGone),
    recognized,
    unanswered: unanswered.size,
  };
}

/** @returns the ids that Cliniko neither returned nor confirmed to be absent */
async function* askByIds(crawl: Crawl, ids: readonly string[]): AsyncGenerator<FetchedPage, Set<string>> {
  const unanswered = new Set<string>();
  for (let from = 0; from < ids.length; from += IDS_AT_ONCE) {
    const asked = ids.slice(from, from + IDS_AT_ONCE);
    const answer = await fetchByIds(crawl.source, asked, crawl.options);
    for (const id of answer.unanswered) unanswered.add(id);
    yield catchUpPage(crawl, answer.records);
  }
  return unanswered;
}
