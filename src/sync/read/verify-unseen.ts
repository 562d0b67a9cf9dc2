/** The last questions of a crawl: Cliniko is asked by id for stored patients whom it did not show. */
import type { ISql } from 'postgres';
import { fetchByIds, IDS_AT_ONCE } from '../../cliniko/fetch-by-ids.ts';
import { canMarkMissing, findUnseen, type UnseenPatients } from '../../patients/missing-patients.ts';
import { findUnseenQuarantine } from '../../patients/quarantine.ts';
import { isProven } from './completeness.ts';
import { type Crawl, catchUpPage, type FetchedPage } from './fetched-page.ts';

/** What a crawl that saw the whole clinic knows about those whom it did not see. */
export interface VerifiedUnseen {
  /** Patients whom Cliniko has denied by id, or who are too many to be asked for. */
  patients: UnseenPatients;
  /** Keys of quarantined records that Cliniko no longer has. */
  quarantined: readonly string[];
  /** Stored patients whom Cliniko neither gave nor denied. */
  unanswered: number;
}

/** @returns undefined unless the crawl was of the whole clinic, and proven: no other tells who is not in it */
export async function* verifyUnseen(
  crawl: Crawl,
  sql: ISql,
): AsyncGenerator<FetchedPage, VerifiedUnseen | undefined> {
  const { plan, position, seen } = crawl;
  if (plan.type !== 'full_patients' || !isProven(position.coverage)) return undefined;
  const { organizationId, createdAt } = plan;
  const patients = await findUnseen(sql, organizationId, seen, createdAt);
  const quarantine = await findUnseenQuarantine(sql, organizationId, seen, createdAt);
  // Too many to be true: they will be held, and to ask for each of them would take longer than the run.
  if (patients.ids.length > 0 && !canMarkMissing(patients))
    return { patients, quarantined: [], unanswered: 0 };
  // A list with no patient that is stored here may be of another clinic: then the quarantine keeps everything.
  const isThisClinic = patients.stored > patients.ids.length || quarantine.hasSeenOthers;
  const records = isThisClinic ? quarantine.unseen : [];
  const ids = new Set([...patients.ids, ...records.flatMap((record) => record.clinikoPatientId ?? [])]);
  const unanswered = yield* askByIds(crawl, [...ids]);
  const isGone = (key: string) => !seen.has(key) && !unanswered.has(key);
  return {
    patients: { ...patients, ids: patients.ids.filter(isGone) },
    quarantined: records.map((record) => record.recordKey).filter(isGone),
    unanswered: unanswered.size,
  };
}

/** @returns the ids that Cliniko neither gave nor denied */
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
