/** What a change of the settings does to the pause of an organization. Pure. */
import type { OrganizationChange } from '#contract/organization.ts';
import { ProblemError } from '../http/problem.ts';
import type { organizationTable } from './table.ts';

type Row = typeof organizationTable.$inferSelect;
type PauseColumns = Partial<
  Pick<Row, 'pausedAt' | 'pausedReason' | 'pausedBy' | 'pausedByName' | 'keyRefusals'>
>;

export interface PauseChange {
  /** Afterwards. */
  isPaused: boolean;
  outcome: 'paused' | 'resumed' | 'unchanged';
  columns: PauseColumns;
}

/** The columns of a resumed organization. */
const RESUMED: PauseColumns = {
  pausedAt: null,
  pausedReason: null,
  pausedBy: null,
  pausedByName: null,
  keyRefusals: 0,
};

/**
 * @param by the name of the account that changes it; null: it has none
 * @throws ProblemError INVALID_PARAMETER: a reason, but no pause
 */
export function pauseChange(
  { paused, paused_reason: reason }: OrganizationChange,
  row: Pick<Row, 'pausedAt' | 'pausedReason'>,
  by: string | null,
): PauseChange {
  const wasPaused = row.pausedAt !== null;
  const isPaused = paused ?? wasPaused;
  if (!isPaused && typeof reason === 'string')
    throw new ProblemError('INVALID_PARAMETER', '"paused_reason" needs "paused": true.', {
      field: 'paused_reason',
    });
  if (!isPaused && wasPaused) return { isPaused, outcome: 'resumed', columns: RESUMED };
  if (!isPaused) return { isPaused, outcome: 'unchanged', columns: {} };
  if (wasPaused) {
    const columns = reason === undefined ? {} : { pausedReason: reason };
    return { isPaused, outcome: 'unchanged', columns };
  }
  return {
    isPaused,
    outcome: 'paused',
    columns: {
      pausedAt: new Date().toISOString(),
      pausedReason: reason ?? null,
      pausedBy: 'person',
      pausedByName: by,
    },
  };
}
