/** How a run ended, in the guide's words, and what to do when it failed. */
import { formatCount, formatPatients } from '#contract/count.ts';
import { isCancelled, isWithoutKey } from '#contract/progress.ts';
import { OperationType, type SyncLog } from '#contract/sync-log.ts';
import { useMay } from '../auth/rights.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { handOverToHeading } from '../ui/restore-focus.ts';
import { canTryAgain, failureWords, isAboutKey, solutionWords } from './result-words.ts';
import type { Start } from './use-start.ts';

export interface ResultNoticeProps {
  log: SyncLog;
  /** Absent where no sync can be started: on the page of an old run. */
  start?: Start;
  /** Opens the field of the API key. Absent where it cannot be changed. */
  onKey?(): void;
}

export function ResultNotice({ log, start, ...props }: ResultNoticeProps) {
  const onKey = useMay('admin') === false ? undefined : props.onKey;
  const mayReplaceKey = onKey !== undefined;
  const problem = log.status === 'completed' ? notStoredText(log) : failureWords(log, mayReplaceKey);
  if (problem === null) return null;
  const solution = solutionWords(log, mayReplaceKey);
  const { tone, icon } = appearanceOf(log);
  const { error_details } = log;
  return (
    <div className="notice result" data-tone={tone}>
      <Icon name={icon} />
      <div>
        <p className="result-message">{problem}</p>
        {error_details !== null && !problem.includes(error_details) && !isWithoutKey(log) && (
          <p className="result-details">{error_details}</p>
        )}
        {solution !== null && <p className="result-solution">{solution}</p>}
        <NextSteps log={log} start={start} onKey={onKey} />
      </div>
    </div>
  );
}

/** The guide's sentence is a rate that hides the patients: this one counts them. */
function notStoredText(log: SyncLog): string | null {
  const { records_failed: failed, records_processed: processed, metadata } = log;
  if (failed === 0) return null;
  const were = failed === 1 ? 'was' : 'were';
  const listed = metadata.errors?.length ? ' Ids and reasons are listed below.' : '';
  return `${formatCount(failed)} of ${formatPatients(processed)} ${were} not stored.${listed}`;
}

function appearanceOf(log: SyncLog): { tone: string; icon: IconName } {
  if (isCancelled(log)) return { tone: 'none', icon: 'halt' };
  return log.status === 'failed' ? { tone: 'bad', icon: 'failed' } : { tone: 'warn', icon: 'warning' };
}

/** The actions that this page offers. */
function NextSteps({ log, start, onKey }: ResultNoticeProps) {
  const maySync = useMay('sync') !== false;
  const canRetry = start !== undefined && maySync && canTryAgain(log);
  const canReplaceKey = onKey !== undefined && isAboutKey(log);
  if (!canRetry && !canReplaceKey) return null;
  return (
    <div className="result-steps">
      {canReplaceKey && (
        <button type="button" className="btn btn-small" onClick={onKey}>
          {isWithoutKey(log) ? 'Add API key' : 'Update API key'}
        </button>
      )}
      {canRetry && (
        <button
          ref={handOverToHeading}
          type="button"
          className="btn btn-small"
          aria-disabled={start.outcome.kind === 'asking'}
          onClick={() => start.begin(againOf(log))}
        >
          Try again
        </button>
      )}
    </div>
  );
}

function againOf(log: SyncLog): OperationType {
  return OperationType.safeParse(log.operation_type).data ?? 'full_patients';
}
