/** The one list of the patients that a person has to look at, grouped by reason. Ids only, never a name. */
import { type RefObject, useRef, useState } from 'react';
import { formatCount } from '#contract/count.ts';
import type { QuarantineRetry } from '#contract/patients.ts';
import { CheckReason } from '#contract/patients-to-check.ts';
import type { Api } from '../api.ts';
import { useMay } from '../auth/rights.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { Icon } from '../ui/icon.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useHandOver } from '../ui/restore-focus.ts';
import { CheckGroup } from './check-group.tsx';
import { isNotStored, NOTHING_READ } from './check-words.ts';
import { HeldDecision } from './held-decision.tsx';
import { SubpageTitle } from './subpage-title.tsx';
import { type CheckGroups, useCheckGroups } from './use-check-groups.ts';
import { nameOf, useRegistration } from './use-registration.ts';
import { type RetryOutcome, useRetry } from './use-retry.ts';

export interface CheckPageProps {
  organizationId: number;
  api: Api;
}

export function CheckPage({ organizationId, api }: CheckPageProps) {
  const { registration } = useRegistration(api, organizationId);
  const found = useCheckGroups(api, organizationId);
  const [decision, setDecision] = useState('');
  const place = useRef<HTMLParagraphElement>(null);
  const { groups, isEmpty, error, readAgain } = found;
  const name = nameOf(registration, organizationId);
  useDocumentTitle('Patients to check', name);
  return (
    <>
      <PageHeader current="dashboard" />
      <main className="page">
        <SubpageTitle organizationId={organizationId} organizationName={name} title="Patients to check" />
        {error !== null && (
          <ErrorNotice words={`${groups === null ? UNREAD : READ_BEFORE} ${error}`} onAgain={readAgain} />
        )}
        <section className="card check-head" aria-label="All reasons">
          <Retry api={api} organizationId={organizationId} found={found} />
          <p className="check-decision" role="status" ref={place} tabIndex={-1}>
            {decision}
          </p>
          <button type="button" className="btn btn-small" onClick={readAgain}>
            Read again
          </button>
        </section>
        <Groups
          api={api}
          organizationId={organizationId}
          found={found}
          focusTarget={place}
          onDecided={(words) => {
            setDecision(words);
            readAgain();
          }}
        />
        {groups?.length === 0 && !isEmpty && error === null && (
          <p className="card empty">
            <Icon name="done" /> No patient has to be checked.
          </p>
        )}
        {groups === null && error === null && <p className="card empty">Reading…</p>}
      </main>
    </>
  );
}

const UNREAD = 'The list could not be read: held patients are not shown either.';
const READ_BEFORE = 'The list could not be read again: it may be old.';

interface GroupsProps {
  api: Api;
  organizationId: number;
  found: CheckGroups;
  focusTarget: RefObject<HTMLElement | null>;
  onDecided(words: string): void;
}

function Groups({ api, organizationId, found: { groups, version }, focusTarget, onDecided }: GroupsProps) {
  const named = CheckReason.safeParse(window.location.hash.slice(1)).data;
  const opened = groups?.some(({ reason }) => reason === named) ? named : groups?.[0]?.reason;
  return groups?.map(({ reason, count }) => (
    <CheckGroup
      key={reason}
      api={api}
      organizationId={organizationId}
      reason={reason}
      count={count}
      isOpenAtFirst={reason === opened}
      version={version}
    >
      {reason === 'HELD' && (
        <HeldDecision
          api={api}
          organizationId={organizationId}
          held={count}
          focusTarget={focusTarget}
          onDecided={onDecided}
        />
      )}
    </CheckGroup>
  ));
}

interface RetryProps {
  api: Api;
  organizationId: number;
  found: CheckGroups;
}

/** Asks Cliniko for the patients in quarantine again. */
function Retry({ api, organizationId, found: { groups, isEmpty, readAgain } }: RetryProps) {
  const may = useMay('sync');
  const { outcome, begin } = useRetry(api, organizationId, readAgain);
  const result = useRef<HTMLParagraphElement>(null);
  const button = useHandOver(result);
  const count = groups?.filter(isNotStored).reduce((sum, group) => sum + group.count, 0) ?? 0;
  return (
    <>
      <p className="check-summary">{groups !== null && storedWords(count, isEmpty)}</p>
      {count > 0 && may === true && outcome.kind !== 'unavailable' && (
        <button
          ref={button}
          type="button"
          className="btn btn-small"
          aria-disabled={outcome.kind === 'asking'}
          onClick={begin}
        >
          <Icon name="sync" />
          {outcome.kind === 'asking' ? 'Trying…' : 'Try them again'}
        </button>
      )}
      <p className="retry-outcome" role="status" ref={result} tabIndex={-1}>
        {retryWords(outcome)}
      </p>
    </>
  );
}

/** @param count of the patients that are not stored */
function storedWords(count: number, isEmpty: boolean): string {
  if (isEmpty) return `${NOTHING_READ} Start a sync on the dashboard.`;
  if (count === 0) return 'Every patient that Cliniko gave is stored.';
  return count === 1 ? '1 patient is not stored.' : `${formatCount(count)} patients are not stored.`;
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
    case 'done':
      return resultWords(outcome.result);
    default:
      return outcome satisfies never;
  }
}

/** At most some hundred are tried at once, so a few may be left. */
function resultWords({ requested, resolved, remaining }: QuarantineRetry): string {
  const invalid = requested - resolved;
  const parts = [
    `${formatCount(resolved)} stored`,
    ...(invalid > 0 ? [`${formatCount(invalid)} still invalid`] : []),
    ...(remaining > invalid ? [`${formatCount(remaining - invalid)} not tried yet`] : []),
  ];
  return `Tried again: ${parts.join(', ')}.`;
}
