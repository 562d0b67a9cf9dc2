/**
 * The dashboard of one organization: its totals, its sync as it happens, and what became of the last ones.
 *
 * This file only composes. The run comes from use-organization.ts (live), everything else from use-records.ts.
 */
import { useEffect } from 'react';
import type { Api } from '../api.ts';
import { isRunning } from '../live/organization-state.ts';
import { Masthead } from '../look/masthead.tsx';
import { formatPercent } from '../look/words.ts';
import { NotRegistered } from './not-registered.tsx';
import { QuarantineCard } from './quarantine-card.tsx';
import { RunsCard } from './runs-card.tsx';
import { StartButtons } from './start-buttons.tsx';
import { statusText } from './status-text.ts';
import { SyncCard } from './sync-card.tsx';
import { Totals } from './totals.tsx';
import { useOrganization } from './use-organization.ts';
import { useRecords, useRegistration } from './use-records.ts';
import { useStart } from './use-start.ts';

export function Dashboard({ organizationId, api }: { organizationId: number; api: Api }) {
  const { state, connection, learn } = useOrganization(organizationId);
  const registration = useRegistration(api, organizationId);
  const records = useRecords(api, organizationId, state.log);
  const start = useStart(api, organizationId, learn);

  const fallback = `Organization ${organizationId}`;
  const name = registration.kind === 'registered' ? (registration.organization.name ?? fallback) : fallback;
  const progress = isRunning(state) ? `${formatPercent(state.percent)} · ` : '';
  useEffect(() => {
    document.title = `${progress}${name} · Patient Sync`;
  }, [progress, name]);

  const isMissing = registration.kind === 'not-registered' || start.outcome.kind === 'not-registered';
  const buttons = <StartButtons start={start} isRunning={isRunning(state)} />;
  return (
    <>
      <Masthead current="dashboard" connection={connection} />
      <main className="page">
        <div className="title">
          <h1>{name}</h1>
          {name !== fallback && <p className="soft">{fallback}</p>}
        </div>
        {isMissing && <NotRegistered organizationId={organizationId} />}
        <SyncCard state={state} start={start} buttons={buttons} />
        <Totals records={records} />
        <div className="columns">
          <RunsCard runs={records.runs} latest={state.log} />
          <QuarantineCard quarantine={records.quarantine} />
        </div>
        {records.trouble !== null && (
          <p className="notice" data-tone="bad" role="alert">
            {records.trouble}
          </p>
        )}
      </main>
      <p className="undrawn" role="status" data-testid="announcer">
        {statusText(state)}
      </p>
    </>
  );
}
