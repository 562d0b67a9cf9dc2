/** One organization. Rendered again only when it changes, when its clock ticks, or when its position changes. */

import { memo } from 'react';
import { formatCount } from '#contract/count.ts';
import { formatDuration, formatRemaining } from '#contract/duration.ts';
import { isCancelled, problemText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { BASE_PATH } from '../base-path.ts';
import type { OrganizationState } from '../live/organization-state.ts';
import { counterText, formatPercent, phaseWords, shownPercent } from '../ui/format.ts';
import { ProgressBar } from '../ui/progress-bar.tsx';
import { StatePill } from '../ui/state-pill.tsx';
import { Moment } from '../ui/time.tsx';
import { CELL, ROW, ROW_HEAD } from './table-roles.ts';

export interface OrganizationRowProps {
  state: OrganizationState;
  name: string | undefined;
  /** From 1, without the heading. */
  place: number;
  /** Pixels from the top of the list. */
  top: number;
  /** Only for a row whose duration still grows. */
  now: number | undefined;
  /** The connection is lost: the remaining time is unknown. */
  isFrozen: boolean;
}

export const OrganizationRow = memo(function OrganizationRow(props: OrganizationRowProps) {
  const { state, name, place, top, now, isFrozen } = props;
  const { organizationId, log, percent } = state;
  const title = name ?? `Organization ${organizationId}`;
  return (
    <tr
      {...ROW}
      aria-rowindex={place + 1}
      className="ops-row"
      data-organization={organizationId}
      data-status={log?.status ?? 'none'}
      style={{ transform: `translateY(${top}px)` }}
    >
      <th {...ROW_HEAD} className="ops-name">
        <a href={`${BASE_PATH}/?org=${organizationId}`} title={title}>
          {title}
        </a>
        {name !== undefined && <span className="soft">{organizationId}</span>}
      </th>
      <td {...CELL} className="ops-state">
        <StatePill log={log} />
      </td>
      <td {...CELL} className="ops-progress">
        {log === null ? (
          <span className="soft">–</span>
        ) : (
          <Progress log={log} percent={percent} title={title} />
        )}
      </td>
      <td {...CELL} className="ops-phase">
        {log === null ? '–' : leftWords(log, isFrozen ? undefined : now)}
      </td>
      <td {...CELL} className="ops-started">
        {log === null ? '–' : <Moment at={log.started_at} />}
      </td>
      <td {...CELL} className="ops-duration number">
        {log === null ? '–' : durationOf(log, now)}
      </td>
    </tr>
  );
});

/** For a failed run the reason is more useful. */
function Progress({ log, percent, title }: { log: SyncLog; percent: number; title: string }) {
  const problem = log.status === 'failed' ? problemText(log) : null;
  if (problem !== null) {
    return (
      <p className={isCancelled(log) ? 'ops-problem soft' : 'ops-problem bad'} title={problem}>
        {problem}
      </p>
    );
  }
  const known = shownPercent(log, percent);
  return (
    <>
      <ProgressBar log={log} percent={percent} label={`Progress of ${title}`} />
      <p className="ops-counter">
        {known !== null && <span>{formatPercent(known)}</span>} {counterText(log)}
        {log.records_failed > 0 && (
          <span className="bad"> · {formatCount(log.records_failed)} not stored</span>
        )}
      </p>
    </>
  );
}

/** While the run is active, the remaining time where it is known. The state shows how it ended. */
function leftWords(log: SyncLog, now: number | undefined): string {
  const { phase, estimated_remaining, waiting_until } = log.metadata;
  if (log.status !== 'running') return '–';
  if (now === undefined) return phaseWords(log);
  const waitMs = phase === 'waiting' && waiting_until ? Date.parse(waiting_until) - now : 0;
  if (waitMs > 0) return `Waits ${formatRemaining(waitMs)}`;
  if (phase === 'waiting' || !estimated_remaining) return phaseWords(log);
  return `${estimated_remaining} left`;
}

function durationOf(log: SyncLog, now: number | undefined): string {
  const end = log.completed_at === null ? now : Date.parse(log.completed_at);
  return end === undefined ? '–' : formatDuration(end - Date.parse(log.started_at));
}
