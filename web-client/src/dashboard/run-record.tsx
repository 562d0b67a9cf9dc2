/** The parts of a run's page that make it a record: its neighbours, what it marked, and its JSON. */
import { formatCount } from '#contract/count.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { Fact } from '../ui/facts.tsx';
import { Icon } from '../ui/icon.tsx';
import { Moment } from '../ui/time.tsx';
import { addressOfCheck, addressOfRun } from './address.ts';
import type { Neighbours } from './use-neighbours.ts';

export interface NeighbourLinksProps {
  organizationId: number;
  neighbours: Neighbours;
}

export function NeighbourLinks({ organizationId, neighbours: { previous, next } }: NeighbourLinksProps) {
  return (
    <nav className="neighbours" aria-label="Other runs">
      {previous !== null && (
        <a href={addressOfRun(organizationId, previous)} rel="prev">
          <Icon name="back" /> Run {previous}
        </a>
      )}
      {next !== null && (
        <a href={addressOfRun(organizationId, next)} rel="next">
          Run {next} <Icon name="next" />
        </a>
      )}
    </nav>
  );
}

/** Facts that only some runs have. */
export function RecordFacts({ log: { organization_id, metadata } }: { log: SyncLog }) {
  const { attempt, missing_marked: marked, missing_held: held } = metadata;
  return (
    <>
      {typeof attempt === 'number' && attempt > 1 && (
        <Fact term="Workers">{formatCount(attempt)}, one after the other</Fact>
      )}
      {marked !== undefined && <Fact term="Marked missing">{formatCount(marked)}</Fact>}
      {held !== undefined && (
        <Fact term="Missing, held">
          <a href={addressOfCheck(organization_id, 'HELD')}>{formatCount(held)}</a>
        </Fact>
      )}
    </>
  );
}

export interface AttemptsProps {
  /** The failed runs that this one tries again, the last one first. */
  earlier: readonly SyncLog[];
  /** The runs that tried this one again, the first one first. */
  later: readonly SyncLog[];
}

export function Attempts({ earlier, later }: AttemptsProps) {
  return (
    <>
      <AttemptList label="Earlier attempts" title="Tries again" attempts={earlier} />
      <AttemptList label="Later attempts" title="Was tried again" attempts={later} />
    </>
  );
}

interface AttemptListProps {
  label: string;
  title: string;
  attempts: readonly SyncLog[];
}

function AttemptList({ label, title, attempts }: AttemptListProps) {
  if (attempts.length === 0) return null;
  return (
    <section className="attempts" aria-label={label}>
      <h3>{title}</h3>
      <ul>
        {attempts.map((attempt) => (
          <li key={attempt.id}>
            <a href={addressOfRun(attempt.organization_id, attempt.id)}>Run {attempt.id}</a>{' '}
            <Moment at={attempt.started_at} />: {attemptText(attempt)}
          </li>
        ))}
      </ul>
    </section>
  );
}

function attemptText({ status, error_details }: SyncLog): string {
  if (status === 'failed') return error_details ?? 'no reason was given';
  return status === 'completed' ? 'completed' : 'still running';
}

/** Why the run cannot say that it saw every patient. */
export function Unproven({ log: { status, metadata } }: { log: SyncLog }) {
  const reason = status === 'completed' ? metadata.proof?.reason : undefined;
  return reason === undefined ? null : <p className="soft unproven">Not proven: {reason}</p>;
}

/** As the API answers it: a link would need the token of this page. */
export function RunJson({ log }: { log: SyncLog }) {
  return (
    <details className="run-json">
      <summary>JSON</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <pre tabIndex={0}>{JSON.stringify(log, null, 2)}</pre>
    </details>
  );
}
