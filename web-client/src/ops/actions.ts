/** The actions of the console on several organizations, in words. Pure. */
import type { BulkOperation, OperationAction } from '#contract/bulk-operation.ts';
import { formatCount } from '#contract/count.ts';
import type { ConsoleRow } from './rows.ts';

/** What a person is asked to confirm. */
export interface AskedAction {
  action: OperationAction;
  rows: readonly ConsoleRow[];
}

export interface ActionWords {
  title: string;
  button: string;
  /** What will happen. */
  effect: string;
  /** Of those for which nothing will happen; null when all are meant. */
  skipped: string | null;
}

export const clinics = (count: number) => (count === 1 ? '1 clinic' : `${formatCount(count)} clinics`);
const isActive = ({ log }: ConsoleRow) => log?.status === 'running';

/** Whether the action would do something. */
const MEANT: Record<OperationAction, (row: ConsoleRow) => boolean> = {
  start: (row) => !isActive(row),
  retry: ({ hasFailed }) => hasFailed,
  cancel: isActive,
  pause: (row) => !row.isPaused,
  resume: (row) => row.isPaused,
};

export const meantBy = (action: OperationAction, rows: readonly ConsoleRow[]) => rows.filter(MEANT[action]);

const SKIPPED: Record<OperationAction, string> = {
  start: 'have a sync in progress',
  retry: 'have not failed',
  cancel: 'have no sync in progress',
  pause: 'are paused already',
  resume: 'are not paused',
};

export function wordsOf({ action, rows }: AskedAction): ActionWords {
  const meant = meantBy(action, rows).length;
  const rest = rows.length - meant;
  const skipped =
    rest === 0 ? null : `${clinics(rest)} of the selection ${SKIPPED[action]}: nothing happens there.`;
  const many = clinics(meant);
  switch (action) {
    case 'start':
      return {
        title: `Start a full sync of ${many}?`,
        button: 'Start',
        effect:
          'Each reads all patients. They start one after the other, as workers and the limits of Cliniko allow.',
        skipped,
      };
    case 'retry':
      return {
        title: `Try ${many} again?`,
        button: 'Try again',
        effect:
          'The sync that failed starts again for each. They start one after the other, as workers and the limits of Cliniko allow.',
        skipped,
      };
    case 'cancel':
      return {
        title: `Cancel the sync of ${many}?`,
        button: meant === 1 ? 'Cancel sync' : 'Cancel syncs',
        effect:
          'Each stops within a second. Patients stored so far stay; the next sync reads all of them again.',
        skipped,
      };
    case 'pause':
      return {
        title: `Pause ${many}?`,
        button: 'Pause',
        effect:
          'Schedules and second attempts rest until you resume them. A running sync finishes, and a sync that a person starts runs.',
        skipped,
      };
    case 'resume':
      return {
        title: `Resume ${many}?`,
        button: 'Resume',
        effect:
          'Schedules continue with their next time. What would have started during the pause is not made up for.',
        skipped,
      };
    default:
      return action satisfies never;
  }
}

const DOING: Record<OperationAction, string> = {
  start: 'Starting syncs',
  retry: 'Trying again',
  cancel: 'Cancelling syncs',
  pause: 'Pausing',
  resume: 'Resuming',
};

const DONE: Record<OperationAction, string> = {
  start: 'started',
  retry: 'started again',
  cancel: 'cancelled',
  pause: 'paused',
  resume: 'resumed',
};

/** "Trying again: 120 of 300 clinics". */
export function operationWords({ action, status, matched, done, skipped, failed }: BulkOperation): string {
  const reached = done + skipped + failed;
  if (status === 'running') return `${DOING[action]}: ${formatCount(reached)} of ${clinics(matched)}`;
  const parts = [`${clinics(done)} ${DONE[action]}`];
  if (skipped > 0) parts.push(`${formatCount(skipped)} skipped`);
  if (failed > 0) parts.push(`${formatCount(failed)} not possible: see the server log`);
  if (status === 'cancelled') parts.push(`stopped before ${formatCount(matched - reached)}`);
  return parts.join(', ');
}
