/** Texts and numbers for the pages. Pure. */
import { formatCount, formatPatients } from '#contract/count.ts';
import type { SyncLog, SyncPhase } from '#contract/sync-log.ts';

const PHASES: Record<SyncPhase, string> = {
  queued: 'In the queue',
  fetching: 'Fetching',
  storing: 'Storing',
  waiting: 'Waiting',
  finishing: 'Checking',
  cancelling: 'Cancelling',
  completed: 'Completed',
  failed: 'Failed',
};

export function phaseWords(log: SyncLog): string {
  const { phase } = log.metadata;
  if (phase !== undefined) return PHASES[phase];
  return log.status === 'running' ? 'Running' : PHASES[log.status];
}

const OPERATIONS: Readonly<Record<string, string>> = {
  full_patients: 'Full sync',
  active_patients: 'Active only',
  changed_patients: 'Changes only',
};

/** Other programs use operation names of their own, even `__proto__`. */
export function operationWords(operationType: string): string {
  return Object.hasOwn(OPERATIONS, operationType) ? (OPERATIONS[operationType] ?? '') : operationType;
}

/** What started a run: "Schedule 0 2 * * *", "Second attempt", the name of an account; null when it is not known. */
export function triggerWords({ metadata: { trigger } }: SyncLog): string | null {
  if (trigger === undefined) return null;
  const { name, schedule } = trigger;
  switch (trigger.kind) {
    case 'schedule':
      return typeof schedule === 'string' ? `Schedule ${schedule}` : 'A schedule';
    case 'retry':
      return 'Second attempt';
    case 'token':
      return typeof name === 'string' ? `Token ${name}` : 'A token';
    case 'person':
      return typeof name === 'string' ? name : 'A person';
    case 'external':
      return 'Another program';
    default:
      return null;
  }
}

/** In milliseconds; null while it runs. */
export function durationOf({ started_at, completed_at }: SyncLog): number | null {
  return completed_at === null ? null : Math.max(0, Date.parse(completed_at) - Date.parse(started_at));
}

/** "69.4%", as in the guide. */
export function formatPercent(percent: number): string {
  return `${percent.toFixed(1)}%`;
}

/** "2.5", "1,240": one decimal for small numbers. */
export function formatRate(perSecond: number): string {
  return perSecond >= 100 ? formatCount(Math.round(perSecond)) : String(Math.round(perSecond * 10) / 10);
}

/** "448 / 648 patients": stored, of the total in Cliniko. Without a total there is none in the text. */
export function counterText(log: SyncLog | null): string {
  if (log === null) return '';
  const { patients_found: found, phase } = log.metadata;
  if (found) return `${formatCount(log.records_success)} / ${formatPatients(found)}`;
  if (log.records_success > 0) return `${formatPatients(log.records_success)} stored`;
  if (log.status === 'completed') return 'No patients';
  if (log.status === 'failed') return 'No patient was read';
  const isCounting = phase === 'fetching' || phase === 'storing' || phase === undefined;
  return isCounting ? 'Counting patients' : 'Patients not counted yet';
}

/**
 * Null before the total is known: a percentage of an unknown total would be invented. A row of another program may have
 * a percentage without a total.
 */
export function shownPercent(log: SyncLog | null, percent: number): number | null {
  if (log === null) return null;
  const isKnown = log.status === 'completed' || Boolean(log.metadata.patients_found) || percent > 0;
  return isKnown ? percent : null;
}

/** 0 to 1: how much of what was read could be stored. */
export function storedShare({ records_success, records_processed }: SyncLog): number {
  return records_processed > 0 ? Math.min(1, records_success / records_processed) : 1;
}
