/** The sentences of a failed run, for the person who reads them: what an administrator can do, others have to ask for. Pure. */
import { isWithoutKey, problemText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';

/** @param mayReplaceKey false: the settings stay closed to this person, so no sentence names them */
export function failureWords(log: SyncLog, mayReplaceKey: boolean): string | null {
  if (mayReplaceKey || log.metadata.error_type !== 'CLINIKO_AUTH_FAILED') return problemText(log);
  return isWithoutKey(log) ? 'This organization has no Cliniko API key.' : 'Invalid Cliniko credentials.';
}

/** What a person can do about the failure; null when a button says it. */
export function solutionWords(log: SyncLog, mayReplaceKey: boolean): string | null {
  const { error_type, solution = null } = log.metadata;
  switch (error_type) {
    case 'CLINIKO_AUTH_FAILED':
      // The text of the run is an address for programs. The button beside it opens the form.
      if (mayReplaceKey) return null;
      return `Ask an administrator to ${isWithoutKey(log) ? 'add' : 'replace'} the Cliniko API key of this clinic.`;
    case 'CLINIKO_FORBIDDEN':
      return mayReplaceKey
        ? solution
        : 'Ask an administrator to give the user of this API key access to patients in Cliniko.';
    default:
      return solution;
  }
}

/** A failure that the form of the API key can end. */
export function isAboutKey({ metadata: { error_type } }: SyncLog): boolean {
  return error_type === 'CLINIKO_AUTH_FAILED' || error_type === 'CLINIKO_FORBIDDEN';
}

/**
 * A run without access to patients does not recommend another attempt, because it fails until a person acts in Cliniko.
 * That person then tries again here.
 */
export function canTryAgain({ status, metadata }: SyncLog): boolean {
  return (
    status === 'failed' &&
    (metadata.retry_recommended === true || metadata.error_type === 'CLINIKO_FORBIDDEN')
  );
}
