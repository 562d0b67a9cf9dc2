/** Routes about all organizations at once: the overview, and the pause of everything. */
import { MAX_SCHEDULES } from '#contract/organization.ts';
import { OVERVIEW_STATES, Overview, OverviewState, RecentRuns } from '#contract/overview.ts';
import { Pause, PauseRequest } from '#contract/pause.ts';
import { RowId, SyncStatus } from '#contract/sync-log.ts';
import { ROWS_LIMIT, RUNS_LIMIT, Time } from '../overview/routes.ts';
import type { Operation } from './operation.ts';
import { FORMAT, limitOf } from './parameters.ts';

export const OVERVIEW_OPERATIONS: readonly Operation[] = [
  {
    method: 'get',
    path: '/api/v1/overview',
    id: 'getOverview',
    tag: 'Operation',
    access: { isSelfFiltering: true },
    summary: 'One row for each organization: is its data fresh, and if not, why',
    description: `By organization, and only those that the caller may see. The state is the first one that applies of ${OVERVIEW_STATES.join(', ')}. A cancelled run does not count as failed. Overdue is an organization whose firing is 15 minutes late or was missed, and one whose last success is older than twice the longest interval of its schedules (up to ${MAX_SCHEDULES}).`,
    query: {
      state: { schema: OverviewState, description: 'Only organizations in this state. May be repeated.' },
      limit: limitOf(ROWS_LIMIT),
      after: {
        schema: RowId,
        description: 'Only organizations with a greater id: `next` of the page before.',
      },
      format: FORMAT,
    },
    answers: {
      200: {
        description: 'The rows.',
        schema: Overview,
        isAlsoCsv: true,
        headers: {
          'X-Overdue-Organizations': 'How many of these organizations are overdue, whatever their state.',
        },
      },
    },
  },
  {
    method: 'get',
    path: '/api/v1/runs',
    id: 'listRecentRuns',
    tag: 'Operation',
    access: { isSelfFiltering: true },
    summary: 'The runs of the last hours, of all organizations',
    description: 'Newest first, and only those of organizations that the caller may see.',
    query: {
      since: {
        schema: Time,
        description: 'Only runs that started later. Default: 24 hours ago.',
      },
      status: { schema: SyncStatus, description: 'Only runs with this status.' },
      limit: limitOf(RUNS_LIMIT),
    },
    answers: { 200: { description: 'The runs.', schema: RecentRuns } },
  },
  {
    method: 'get',
    path: '/api/v1/pause',
    id: 'getPause',
    tag: 'Operation',
    access: { scope: 'admin' },
    summary: 'Whether everything is paused',
    answers: { 200: { description: 'The pause.', schema: Pause } },
  },
  {
    method: 'put',
    path: '/api/v1/pause',
    id: 'setPause',
    tag: 'Operation',
    access: { audit: null },
    summary: 'Pause everything, or resume it',
    description:
      'While everything is paused, schedules and second attempts rest, also after a restart. Running runs finish, and a start by hand runs. Firings of that time are not made up for.',
    body: PauseRequest,
    answers: { 200: { description: 'The pause now.', schema: Pause } },
  },
];
