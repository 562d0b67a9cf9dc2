/** The pause of one clinic: one button that pauses and resumes, so the focus returns to it, and a notice while schedules rest. */
import { useState } from 'react';
import type { Organization } from '#contract/organization.ts';
import type { Api } from '../api.ts';
import { messageOf } from '../api.ts';
import { useMay } from '../auth/rights.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { LazyReasonDialog, REASON_OF_PAUSE } from '../ui/lazy-reason-dialog.tsx';
import { PausedNotice } from '../ui/paused-notice.tsx';
import type { Registration } from './use-registration.ts';

const EFFECT =
  'Its schedules and second attempts rest until a person resumes them. A running sync finishes, and a sync that a person starts runs.';

export interface PauseClinicProps {
  api: Api;
  registration: Registration;
  onChanged(): void;
}

/** Its place is kept until account and clinic are known. A resume is one press: it concerns only this clinic. */
export function PauseClinicButton({ api, registration, onChanged }: PauseClinicProps) {
  const may = useMay('admin');
  const [isAsking, setIsAsking] = useState(false);
  const [error, setError] = useState<string | null>(null);
  if (may === false || registration.kind === 'not-registered') return null;
  const organization = registration.kind === 'registered' ? registration.organization : null;
  const save = async (change: { paused: boolean; paused_reason?: string | null }): Promise<void> => {
    if (organization === null) return;
    setError(null);
    await api.saveOrganization(organization.organization_id, change);
    onChanged();
  };
  const resume = (): void => {
    save({ paused: false }).catch((failure: unknown) => setError(messageOf(failure)));
  };
  return (
    <>
      <button
        type="button"
        className="btn"
        data-unknown={may === undefined || organization === null}
        onClick={organization?.paused ? resume : () => setIsAsking(true)}
      >
        {organization?.paused ? 'Resume' : 'Pause'}
      </button>
      {error !== null && <ErrorNotice words={error} />}
      {isAsking && (
        <LazyReasonDialog
          title="Pause this clinic?"
          button="Pause this clinic"
          reasonLabel={REASON_OF_PAUSE}
          onConfirm={(reason) => save({ paused: true, paused_reason: reason })}
          onClose={() => setIsAsking(false)}
        >
          <p>{EFFECT}</p>
        </LazyReasonDialog>
      )}
    </>
  );
}

export function ClinicPaused({ organization }: { organization: Organization | null }) {
  if (organization?.paused) {
    const { paused_at: at, paused_by: by, paused_reason: reason } = organization;
    return (
      <PausedNotice words="This clinic is paused" facts={{ at, by, reason }}>
        Its schedules and second attempts rest. A sync that a person starts runs.
        {organization.everything_paused && ' Everything else is paused too.'}
      </PausedNotice>
    );
  }
  return (
    <PausedNotice words={organization?.everything_paused ? 'Everything is paused' : null}>
      An administrator paused the schedules of all clinics. A sync that a person starts runs.
    </PausedNotice>
  );
}
