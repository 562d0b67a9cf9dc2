/** The newest runs. The one that is shown live is live here too. */
import { formatDuration } from '../../../src/contract/duration.ts';
import type { SyncLog } from '../../../src/contract/sync-log.ts';
import { Moment } from '../look/moments.tsx';
import { StatePill } from '../look/state-pill.tsx';
import { formatCount, operationWords } from '../look/words.ts';

export interface RunsCardProps {
  /** As they were last read; null until then. */
  runs: readonly SyncLog[] | null;
  latest: SyncLog | null;
}

const RUNS_SHOWN = 20;

export function RunsCard({ runs, latest }: RunsCardProps) {
  const shown = withLatest(runs ?? [], latest);
  return (
    <section className="card" aria-labelledby="runs-title">
      <h2 id="runs-title">Last runs</h2>
      {shown.length === 0 ? (
        <p className="empty">{runs === null ? 'Reading…' : 'No sync has run yet. It will appear here.'}</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        <section className="scroller" tabIndex={0} aria-labelledby="runs-title">
          <table className="runs">
            <thead>
              <tr>
                <th scope="col">Started</th>
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
            <tbody>
              {shown.map((run) => (
                <Run key={run.id} run={run} />
              ))}
            </tbody>
          </table>
        </section>
      )}
    </section>
  );
}

function Run({ run }: { run: SyncLog }) {
  return (
    <tr>
      <th scope="row">
        <Moment at={run.started_at} />
      </th>
      <td className="run-sync">{operationWords(run.operation_type)}</td>
      <td className="run-state">
        <StatePill log={run} />
      </td>
      <td className="number" data-unit="stored">
        {formatCount(run.records_success)}
      </td>
      <td className="number" data-unit="errors">
        {formatCount(run.records_failed)}
      </td>
      <td className="number">
        {run.completed_at === null
          ? '–'
          : formatDuration(Date.parse(run.completed_at) - Date.parse(run.started_at))}
      </td>
    </tr>
  );
}

function withLatest(runs: readonly SyncLog[], latest: SyncLog | null): readonly SyncLog[] {
  if (latest === null) return runs;
  const isListed = runs.some((run) => run.id === latest.id);
  if (!isListed) return [latest, ...runs].slice(0, RUNS_SHOWN);
  return runs.map((run) => (run.id === latest.id ? latest : run));
}
