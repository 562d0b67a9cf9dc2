/** One organization. Rendered again only when it changes, when its clock ticks, or when its position changes. */

import { memo } from 'react';
import { formatRemaining } from '#contract/duration.ts';
import { isCancelled } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { BASE_PATH } from '../base-path.ts';
import { counterText, formatPercent, phaseWords, shownPercent } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icon.tsx';
import { ProgressBar } from '../ui/progress-bar.tsx';
import { Moment } from '../ui/time.tsx';
import { ageWords, type ConsoleRow, hasMoreOpenWork, noteOf, openWorkText, STATE_WORDS } from './rows.ts';
import { CELL, ROW, ROW_HEAD } from './table-roles.ts';

export interface OrganizationRowProps {
  row: ConsoleRow;
  /** From 1, without the heading. */
  place: number;
  /** Pixels from the top of the list; undefined: below the row before. */
  top: number | undefined;
  /** For ages, by the minute; for a running row by the second. */
  now: number;
  /** Undefined: it cannot be selected. */
  isSelected: boolean | undefined;
  onToggle(id: number, isRange: boolean): void;
  /** The connection is lost: the remaining time is unknown. */
  isFrozen: boolean;
}

const ICONS: Partial<Record<ConsoleRow['state'], IconName>> = {
  failed: 'failed',
  overdue: 'clock',
  held: 'people',
  with_errors: 'warning',
  running: 'sync',
  queued: 'hourglass',
  paused: 'pause',
  ok: 'done',
};

export const OrganizationRow = memo(function OrganizationRow(props: OrganizationRowProps) {
  const { row, place, top, now, isSelected, onToggle, isFrozen } = props;
  const { id, title, state, log } = row;
  const icon = ICONS[state];
  const openWork = openWorkText(row);
  return (
    <tr
      {...ROW}
      aria-rowindex={place + 1}
      className="ops-row"
      data-organization={id}
      data-status={log?.status ?? 'none'}
      data-state={state}
      data-selected={isSelected}
      style={top === undefined ? undefined : { transform: `translateY(${top}px)` }}
    >
      {isSelected !== undefined && (
        <td {...CELL} className="ops-select">
          <input
            type="checkbox"
            aria-label={`Select ${title}`}
            checked={isSelected}
            onChange={() => {}}
            onClick={(event) => onToggle(id, event.shiftKey)}
          />
        </td>
      )}
      <th {...ROW_HEAD} className="ops-name">
        <a dir="auto" href={`${BASE_PATH}/?org=${id}`} title={title}>
          {title}
        </a>
        {row.hasName && <span className="soft">{id}</span>}
      </th>
      <td {...CELL}>
        <span className="pill" data-pill={state}>
          {icon !== undefined && <Icon name={icon} />}
          {STATE_WORDS[state]}
        </span>
      </td>
      <td {...CELL} className="ops-note">
        {log?.status === 'running' ? (
          <Progress log={log} row={row} now={isFrozen ? undefined : now} />
        ) : (
          <Note row={row} />
        )}
      </td>
      <td {...CELL} className="ops-success">
        {ageWords(row.lastSuccessAt, now)}
      </td>
      <td {...CELL} className="ops-next">
        {row.nextRunAt === null ? '–' : <Moment at={row.nextRunAt} />}
      </td>
      <td {...CELL} className="ops-trouble" data-more={hasMoreOpenWork(row)}>
        {openWork || '–'}
      </td>
    </tr>
  );
});

/** The cause leads to the run that failed. */
function Note({ row }: { row: ConsoleRow }) {
  const { id, hasFailed, log } = row;
  const words = noteOf(row);
  if (!hasFailed || log === null || isCancelled(log)) {
    return (
      <span className={hasFailed ? 'bad' : 'soft'} title={words}>
        {words}
      </span>
    );
  }
  return (
    <a className="bad" href={`${BASE_PATH}/?org=${id}&run=${log.id}`} title={words}>
      {words}
    </a>
  );
}

function Progress({ log, row, now }: { log: SyncLog; row: ConsoleRow; now: number | undefined }) {
  const known = shownPercent(log, row.percent);
  return (
    <>
      <ProgressBar log={log} percent={row.percent} label={`Progress of ${row.title}`} />
      <span className="ops-counter">
        {known !== null && <span>{formatPercent(known)}</span>} {counterText(log)} · {leftWords(log, now)}
      </span>
    </>
  );
}

/** The remaining time where it is known. */
function leftWords(log: SyncLog, now: number | undefined): string {
  const { phase, estimated_remaining, waiting_until } = log.metadata;
  if (now === undefined) return phaseWords(log);
  const waitMs = phase === 'waiting' && waiting_until ? Date.parse(waiting_until) - now : 0;
  if (waitMs > 0) return `waits ${formatRemaining(waitMs)}`;
  if (phase === 'waiting' || !estimated_remaining) return phaseWords(log);
  return `${estimated_remaining} left`;
}
