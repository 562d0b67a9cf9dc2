/** The past runs, with filters; each links to its own page. */
import type { RefObject } from 'react';
import * as z from 'zod/mini';
import { formatCount } from '#contract/count.ts';
import { formatDuration } from '#contract/duration.ts';
import { isCancelled } from '#contract/progress.ts';
import { OperationType, type SyncLog, SyncStatus } from '#contract/sync-log.ts';
import { type Api, RUNS_AT_ONCE } from '../api.ts';
import { useReadAgainWhenBack } from '../hooks/use-read-again-when-back.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { durationOf, operationWords } from '../ui/format.ts';
import { useKeptState } from '../ui/kept-state.ts';
import { MoreButton } from '../ui/more-button.tsx';
import { useHandOverToEntries } from '../ui/restore-focus.ts';
import { StatePill } from '../ui/state-pill.tsx';
import { Moment } from '../ui/time.tsx';
import { addressOfRun } from './address.ts';
import { type HistoryFilter, type HistoryView, useHistory } from './use-history.ts';

export interface HistoryCardProps {
  api: Api;
  organizationId: number;
  latest: SyncLog | null;
  /** An error of the time without a connection goes when it is back. */
  isWatching: boolean;
}

const STATUS_WORDS: Record<SyncStatus, string> = {
  running: 'Running',
  completed: 'Completed',
  failed: 'Failed',
};
/** A page of the server, twenty runs, would push the cards below off a phone's screen. */
const SHOWN_AT_FIRST = 8;
/** Each page of the server is a request. */
const MOST_SHOWN_AGAIN = 50 * RUNS_AT_ONCE;

const View = z.object({
  filter: z.object({ status: z.optional(SyncStatus), operationType: z.optional(OperationType) }),
  shown: z.int().check(z.gte(SHOWN_AT_FIRST), z.lte(MOST_SHOWN_AGAIN)),
});
const AT_FIRST: HistoryView = { filter: {}, shown: SHOWN_AT_FIRST };

function runsWords(count: number, hasOlder: boolean): string {
  return `${formatCount(count)}${hasOlder ? ' or more' : ''} ${count === 1 ? 'run' : 'runs'}`;
}

export function HistoryCard({ api, organizationId, latest, isWatching }: HistoryCardProps) {
  const [view, setView] = useKeptState('runs', View, AT_FIRST);
  const { filter } = view;
  const history = useHistory(api, organizationId, view, latest);
  const { runs, error } = history;
  useReadAgainWhenBack(isWatching, error, history.readAgain);
  const [list, button] = useHandOverToEntries<HTMLTableSectionElement>();
  const isAll = view.shown > SHOWN_AT_FIRST;
  const shown = isAll ? (runs ?? []) : (runs?.slice(0, SHOWN_AT_FIRST) ?? []);
  const hasMore = history.hasOlder || (runs?.length ?? 0) > shown.length;
  const isFiltered = filter.status !== undefined || filter.operationType !== undefined;
  return (
    <section className="card" aria-labelledby="runs-title">
      <div className="card-head">
        <h2 id="runs-title">History</h2>
        <Filters
          filter={filter}
          onFilter={(wanted) => setView({ filter: wanted, shown: isAll ? RUNS_AT_ONCE : SHOWN_AT_FIRST })}
        />
      </div>
      {error !== null && <ErrorNotice words={error} onAgain={history.readAgain} />}
      <p className="undrawn" role="status">
        {isFiltered && runs !== null && runsWords(runs.length, history.hasOlder)}
      </p>
      {runs === null && <p className="empty">Reading…</p>}
      {runs?.length === 0 && error === null && <p className="empty">{isFiltered ? NO_MATCH : NO_RUN}</p>}
      {shown.length > 0 && <Runs list={list} runs={shown} />}
      {hasMore && (
        <MoreButton
          ref={button}
          className="btn-small older"
          words="Show older runs"
          isReading={history.isReadingOlder}
          onMore={() => {
            const wanted = isAll ? shown.length + RUNS_AT_ONCE : RUNS_AT_ONCE;
            setView({ filter, shown: Math.min(wanted, MOST_SHOWN_AGAIN) });
            if (isAll) history.readOlder();
          }}
        />
      )}
    </section>
  );
}

const NO_RUN = 'No sync has run yet. The first one will appear here.';
const NO_MATCH = 'No run fits this filter.';

interface FiltersProps {
  filter: HistoryFilter;
  onFilter(filter: HistoryFilter): void;
}

function Filters({ filter, onFilter }: FiltersProps) {
  return (
    <search className="filters">
      <Choice
        label="State"
        all="Any state"
        words={SyncStatus.options.map((status) => [status, STATUS_WORDS[status]])}
        value={filter.status}
        onChoose={(text) => {
          const { status: _, ...others } = filter;
          const status = SyncStatus.safeParse(text).data;
          onFilter(status === undefined ? others : { ...others, status });
        }}
      />
      <Choice
        label="Kind of sync"
        all="Any sync"
        words={OperationType.options.map((type) => [type, operationWords(type)])}
        value={filter.operationType}
        onChoose={(text) => {
          const { operationType: _, ...others } = filter;
          const operationType = OperationType.safeParse(text).data;
          onFilter(operationType === undefined ? others : { ...others, operationType });
        }}
      />
    </search>
  );
}

interface ChoiceProps {
  label: string;
  all: string;
  words: readonly (readonly [value: string, words: string])[];
  value: string | undefined;
  onChoose(text: string): void;
}

function Choice({ label, all, words, value, onChoose }: ChoiceProps) {
  return (
    <select
      className="select select-small"
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => onChoose(event.target.value)}
    >
      <option value="">{all}</option>
      {words.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  );
}

interface RunsProps {
  list: RefObject<HTMLTableSectionElement | null>;
  runs: readonly SyncLog[];
}

function Runs({ list, runs }: RunsProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section className="scroller runs-scroller" tabIndex={0} aria-label="Runs">
      <table className="runs">
        <thead>
          <tr>
            <th scope="col">Run</th>
            <th scope="col">Sync</th>
            <th scope="col">State</th>
            <th scope="col" className="number">
              Stored
            </th>
            <th scope="col" className="number">
              Errors
            </th>
            <th scope="col" className="number">
              Duration
            </th>
          </tr>
        </thead>
        <tbody ref={list}>
          {runs.map((run) => (
            <Run key={run.id} run={run} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Run({ run }: { run: SyncLog }) {
  const durationMs = durationOf(run);
  return (
    <tr data-run={run.id}>
      <th scope="row">
        <a className="run-link" href={addressOfRun(run.organization_id, run.id)}>
          <Moment at={run.started_at} />
          <span className="undrawn"> Run {run.id}</span>
        </a>
      </th>
      <td className="run-sync">
        {operationWords(run.operation_type)}
        {run.status === 'failed' && !isCancelled(run) && <span className="run-why">{run.error_details}</span>}
      </td>
      <td className="run-state">
        <StatePill log={run} />
      </td>
      <td className="number" data-unit="stored">
        {formatCount(run.records_success)}
      </td>
      <td className="number" data-unit="errors" data-any={run.records_failed > 0}>
        {formatCount(run.records_failed)}
      </td>
      <td className="number" data-empty={durationMs === null}>
        {durationMs === null ? '–' : formatDuration(durationMs)}
      </td>
    </tr>
  );
}
