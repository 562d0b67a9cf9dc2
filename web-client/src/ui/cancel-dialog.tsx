/** Explains the effect of cancelling a run, and asks for confirmation. */

import { formatPatients } from '#contract/count.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { operationWords } from './format.ts';
import { LazyConfirmDialog } from './lazy-confirm-dialog.tsx';

export interface CancelDialogProps {
  /** Null: closed. */
  log: SyncLog | null;
  name: string;
  onConfirm(): Promise<unknown>;
  onClose(): void;
}

export function CancelDialog({ log, name, onConfirm, onClose }: CancelDialogProps) {
  return (
    <LazyConfirmDialog
      isOpen={log !== null}
      title="Cancel this sync?"
      action="Cancel sync"
      otherwise="Keep it running"
      onConfirm={onConfirm}
      onClose={onClose}
    >
      {log !== null && (
        <p>
          The {operationWords(log.operation_type).toLowerCase()} of {name} stops within a second. The{' '}
          {formatPatients(log.records_success)} stored so far stay; the next sync reads all of them again.
        </p>
      )}
    </LazyConfirmDialog>
  );
}
