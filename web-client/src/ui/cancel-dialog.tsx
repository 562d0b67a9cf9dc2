/** Explains the effect of cancelling a run, and asks for confirmation. */

import { formatPatients } from '#contract/count.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { operationWords } from './format.ts';
import { LazyConfirmDialog } from './lazy-confirm-dialog.tsx';
import { announcedEnd } from './result-text.ts';

export interface CancelDialogProps {
  /** In its present state: it may end while the dialog is open. Null: closed. */
  log: SyncLog | null;
  name: string;
  onConfirm(): Promise<unknown>;
  onClose(): void;
}

export function CancelDialog({ log, name, onConfirm, onClose }: CancelDialogProps) {
  const isRunning = log?.status === 'running';
  return (
    <LazyConfirmDialog
      isOpen={log !== null}
      title={isRunning ? 'Cancel this sync?' : 'This sync has ended'}
      action={isRunning ? 'Cancel sync' : null}
      otherwise={isRunning ? 'Keep it running' : 'Close'}
      onConfirm={onConfirm}
      onClose={onClose}
    >
      {isRunning && <Effect log={log} name={name} />}
      <p role="status">{log !== null && !isRunning && announcedEnd(log)}</p>
    </LazyConfirmDialog>
  );
}

function Effect({ log: { operation_type, records_success }, name }: { log: SyncLog; name: string }) {
  return (
    <p>
      The {operationWords(operation_type).toLowerCase()} of <bdi>{name}</bdi> stops within a second. The{' '}
      {formatPatients(records_success)} stored so far stay; the next sync reads all of them again.
    </p>
  );
}
