/** One row for each organization. A row is drawn again only when its own organization changed, or its clock ticks. */
import { memo } from 'react';
import { formatDuration } from '../../../src/contract/duration.ts';
import { problemText } from '../../../src/contract/progress.ts';
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import { isRunning, type OrganizationState } from '../live/organization-state.ts';
import { barTone } from '../look/bar-tone.ts';
import { Moment } from '../look/moments.tsx';
import { ProgressBar } from '../look/progress-bar.tsx';
import { StatePill } from '../look/state-pill.tsx';
import { useNow } from '../look/use-now.ts';
import { counterText, formatPercent, phaseWords } from '../look/words.ts';

export interface OrganizationTableProps {
  states: readonly OrganizationState[];
  names: ReadonlyMap<number, string>;
}

export function OrganizationTable({ states, names }: OrganizationTableProps) {
  const now = useNow(states.some(isRunning));
  return (
    <div className="card ops-card">
      <table className="ops">
        <thead>
          <tr>
            <th scope="col">Organization</th>
            <th scope="col">State</th>
            <th scope="col">Progress</th>
            <th scope="col">Phase</th>
            <th scope="col">Started</th>
            <th scope="col" className="number">
              Duration
            </th>
          </tr>
        </thead>
        <tbody>
          {states.map((state) => (
            <Row
              key={state.organizationId}
              state={state}
              name={names.get(state.organizationId)}
              now={isRunning(state) ? now : undefined}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  state: OrganizationState;
  name: string | undefined;
  /** Only given to a row whose duration still grows. */
  now: number | undefined;
}

const Row = memo(function Row({ state, name, now }: RowProps) {
  const { organizationId, log, percent } = state;
  const title = name ?? `Organization ${organizationId}`;
  return (
    <tr data-organization={organizationId} data-status={log?.status ?? 'none'}>
      <th scope="row" className="ops-name">
        <a href={`/?org=${organizationId}`}>{title}</a>
        {name !== undefined && <span className="soft"> {organizationId}</span>}
      </th>
      <td className="ops-state">
        <StatePill log={log} />
      </td>
      <td className="ops-progress">
        {log === null ? (
          <span className="soft">–</span>
        ) : (
          <Progress log={log} percent={percent} title={title} />
        )}
      </td>
      <td className="ops-phase">{log === null ? '–' : phaseWords(log)}</td>
      <td className="ops-started">{log === null ? '–' : <Moment at={log.started_at} />}</td>
      <td className="ops-duration number">{log === null ? '–' : durationOf(log, now)}</td>
    </tr>
  );
});

function Progress({ log, percent, title }: { log: SyncLog; percent: number; title: string }) {
  const problem = problemText(log);
  return (
    <>
      <ProgressBar
        percent={percent}
        tone={barTone(log)}
        label={`Progress of ${title}`}
        valueText={`${formatPercent(percent)}, ${counterText(log)}`}
      />
      <p className="ops-counter">
        <span>{formatPercent(percent)}</span> {counterText(log)}
        {log.records_failed > 0 && <span className="bad"> · {log.records_failed} failed</span>}
      </p>
      {log.status === 'failed' && problem !== null && <p className="ops-problem">{problem}</p>}
    </>
  );
}

function durationOf(log: SyncLog, now: number | undefined): string {
  const end = log.completed_at === null ? now : Date.parse(log.completed_at);
  return end === undefined ? '–' : formatDuration(end - Date.parse(log.started_at));
}
