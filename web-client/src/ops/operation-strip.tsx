/** The progress of a bulk operation, and its result until it is dismissed. */
import type { BulkOperation } from '#contract/bulk-operation.ts';
import { handOverToHeading } from '../ui/restore-focus.ts';
import { operationWords } from './actions.ts';

export interface OperationStripProps {
  operation: BulkOperation;
  onCancel(): void;
  onDismiss(): void;
}

export function OperationStrip({ operation, onCancel, onDismiss }: OperationStripProps) {
  const { status, matched, done, skipped, failed } = operation;
  const isRunning = status === 'running';
  const words = operationWords(operation);
  return (
    <section className="card strip" aria-label="Action in progress">
      {/* Counts each clinic: only the result is announced. */}
      <p className="strip-words" role="status" aria-live={isRunning ? 'off' : 'polite'}>
        {words}
      </p>
      {isRunning && (
        <progress value={done + skipped + failed} max={Math.max(1, matched)} aria-label={words} />
      )}
      <button
        ref={handOverToHeading}
        type="button"
        className="btn btn-small"
        onClick={isRunning ? onCancel : onDismiss}
      >
        {isRunning ? 'Stop' : 'Close'}
      </button>
    </section>
  );
}
