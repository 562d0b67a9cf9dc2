/** Patients that could not be stored: id, reason and solution, with a retry on request. */
import { useRef } from 'react';
import { formatCount } from '#contract/count.ts';
import type { QuarantineList, QuarantineReason } from '#contract/patients.ts';
import type { Api } from '../api.ts';
import { QUARANTINE_ADVICE, QUARANTINE_WORDS } from '../ui/format.ts';
import { Icon } from '../ui/icon.tsx';
import { useHandOver } from '../ui/restore-focus.ts';
import { Moment } from '../ui/time.tsx';
import { type RetryOutcome, useRetry } from './use-retry.ts';

const SHOWN = 50;

export interface QuarantineCardProps {
  api: Api;
  organizationId: number;
  quarantine: QuarantineList | null;
  onRetried(): void;
}

export function QuarantineCard({ api, organizationId, quarantine, onRetried }: QuarantineCardProps) {
  const retry = useRetry(api, organizationId, onRetried);
  const count = quarantine?.total ?? 0;
  const heading = useRef<HTMLHeadingElement>(null);
  const button = useHandOver(heading);
  return (
    <section className="card" aria-labelledby="quarantine-title">
      <div className="card-head">
        <h2 id="quarantine-title" ref={heading} tabIndex={-1}>
          Quarantine {count > 0 && <span className="count">{formatCount(count)}</span>}
        </h2>
        {count > 0 && retry.outcome.kind !== 'unavailable' && (
          <button
            ref={button}
            type="button"
            className="btn btn-small"
            aria-disabled={retry.outcome.kind === 'asking'}
            onClick={retry.begin}
          >
            <Icon name="sync" />
            {retry.outcome.kind === 'asking' ? 'Trying…' : 'Retry'}
          </button>
        )}
      </div>
      <p className="retry-outcome" role="status">
        {retryWords(retry.outcome)}
      </p>
      {quarantine === null && <p className="empty">Reading…</p>}
      {quarantine !== null && count === 0 && (
        <p className="empty">
          <Icon name="done" /> No patient is in quarantine.
        </p>
      )}
      {quarantine !== null && count > 0 && <Quarantined quarantine={quarantine} />}
    </section>
  );
}

function retryWords(outcome: RetryOutcome): string | null {
  switch (outcome.kind) {
    case 'none':
    case 'asking':
      return null;
    case 'unavailable':
      return 'This server cannot retry single patients; the next sync tries them all again.';
    case 'refused':
      return outcome.message;
    case 'done': {
      const { requested, resolved, remaining } = outcome.result;
      return `${formatCount(resolved)} of ${formatCount(requested)} could be stored now; ${formatCount(remaining)} remain.`;
    }
    default:
      return outcome satisfies never;
  }
}

function Quarantined({ quarantine: { patients, total } }: { quarantine: QuarantineList }) {
  const shown = patients.slice(0, SHOWN);
  const reasons = [...new Set(shown.map(({ reason }) => reason))];
  return (
    <>
      <ul className="advice">
        {reasons.map((reason) => (
          <Advice key={reason} reason={reason} />
        ))}
      </ul>
      <section
        className="scroller quarantine-scroller shaded"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
        tabIndex={0}
        aria-label="Patients in quarantine"
      >
        <ul className="quarantine">
          {shown.map((patient) => (
            <li key={patient.id}>
              <p className="quarantine-id">{patient.cliniko_patient_id ?? 'Without an id'}</p>
              <p>{QUARANTINE_WORDS[patient.reason]}</p>
              <p className="soft quarantine-seen">
                <Moment at={patient.last_seen_at} />
                {patient.attempts > 1 && ` · ${patient.attempts} attempts`}
              </p>
            </li>
          ))}
        </ul>
        {total > shown.length && <p className="soft">and {formatCount(total - shown.length)} more</p>}
      </section>
    </>
  );
}

function Advice({ reason }: { reason: QuarantineReason }) {
  return (
    <li>
      <strong>{QUARANTINE_WORDS[reason]}.</strong> {QUARANTINE_ADVICE[reason]}
    </li>
  );
}
