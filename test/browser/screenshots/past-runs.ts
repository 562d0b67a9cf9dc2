/** Runs of the last weeks, so that a picture shows an established clinic. Fictional, and the same each time. */
import type { Environment } from './environment.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;
const DAYS = 26;

interface PastRun {
  organizationId: number;
  startedAt: Date;
  seconds: number;
  operation: string;
  processed: number;
  failed: number;
  error?: { type: string; details: string };
}

/** Mostly completed, some with errors, two failed. */
export async function createPastRuns(environment: Environment, organizationId: number): Promise<void> {
  for (let day = DAYS; day >= 1; day -= 1) {
    const startedAt = new Date(Date.now() - day * DAY_MS - (day % 5) * 7 * 60_000);
    await insertRun(environment, { organizationId, startedAt, ...dayOf(day) });
  }
}

function dayOf(day: number): Omit<PastRun, 'organizationId' | 'startedAt'> {
  const operation = day % 7 === 3 ? 'full_patients' : 'changed_patients';
  const processed = operation === 'full_patients' ? 1_940 - day * 3 : 40 + ((day * 37) % 160);
  const seconds = Math.round(processed / (operation === 'full_patients' ? 290 : 40) + (day % 4));
  if (day === 9) return { ...failedDay(), seconds: 14 };
  const failed = [4, 11, 18, 19].includes(day) ? 1 + (day % 3) : 0;
  if (day === 15) return { operation, processed: 0, failed: 0, seconds: 2 };
  return { operation, processed, failed, seconds };
}

function failedDay() {
  return {
    operation: 'changed_patients',
    processed: 0,
    failed: 0,
    error: { type: 'CLINIKO_UNAVAILABLE', details: 'Cliniko does not answer: 503' },
  };
}

export async function insertRun({ sql }: Environment, run: PastRun): Promise<void> {
  const { organizationId, startedAt, seconds, operation, processed, failed, error } = run;
  const completedAt = new Date(startedAt.getTime() + seconds * 1_000);
  const metadata = {
    progress_percent: error === undefined ? 100 : 0,
    patients_found: processed,
    patients_stored: processed - failed,
    sync_type: operation,
    ...(error === undefined ? {} : { error_type: error.type, retry_recommended: true }),
  };
  await sql`
    insert into sync_logs (organization_id, operation_type, status, started_at, completed_at,
      records_processed, records_success, records_failed, metadata, error_details)
    values (${organizationId}, ${operation}, ${error === undefined ? 'completed' : 'failed'},
      ${utcText(startedAt)}::text::timestamp, ${utcText(completedAt)}::text::timestamp, ${processed}, ${processed - failed}, ${failed},
      ${JSON.stringify(metadata)}::text::jsonb, ${error?.details ?? null})`;
}

/** In the format of the column: UTC, without a zone. */
function utcText(moment: Date): string {
  return moment.toISOString().slice(0, -1);
}
