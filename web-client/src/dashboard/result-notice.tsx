/** How a run ended, in the guide's words, and what to do when it did not end well. */
import { problemText } from '../../../src/contract/progress.ts';
import { OperationType, type SyncLog } from '../../../src/contract/sync-log.ts';
import type { StartableSync } from '../api.ts';
import { Icon } from '../look/icon.tsx';
import type { Start } from './use-start.ts';

export function ResultNotice({ log, start }: { log: SyncLog; start: Start }) {
  const problem = problemText(log);
  if (problem === null) return null;
  const hasFailed = log.status === 'failed';
  const { error_details } = log;
  return (
    <div className="notice result" data-tone={hasFailed ? 'bad' : 'warn'}>
      <Icon name={hasFailed ? 'failed' : 'warning'} />
      <div>
        <p className="result-message">{problem}</p>
        {error_details !== null && !problem.includes(error_details) && (
          <p className="result-details">{error_details}</p>
        )}
        {log.metadata.solution !== undefined && <p className="result-solution">{log.metadata.solution}</p>}
        {hasFailed && log.metadata.retry_recommended === true && (
          <button
            type="button"
            className="btn btn-small"
            aria-disabled={start.outcome.kind === 'asking'}
            onClick={() => start.begin(againOf(log))}
          >
            Try again
          </button>
        )}
      </div>
    </div>
  );
}

function againOf(log: SyncLog): StartableSync {
  return log.operation_type === OperationType.enum.active_patients ? 'active_patients' : 'full_patients';
}
