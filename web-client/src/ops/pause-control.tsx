/**
 * The pause of everything: one button that pauses and resumes, so the focus returns to it, and a notice while schedules rest. For
 * administrators of all organizations.
 */
import { useState } from 'react';
import type { Pause } from '#contract/pause.ts';
import { LazyReasonDialog, REASON_OF_PAUSE } from '../ui/lazy-reason-dialog.tsx';
import { PausedNotice } from '../ui/paused-notice.tsx';
import type { KnownPause } from './use-pause.ts';

const WORDS = { pause: 'Pause everything', resume: 'Resume everything' };

const EFFECTS = {
  pause:
    'Schedules and second attempts of all clinics rest until a person resumes them. A running sync finishes, and a sync that a person starts runs.',
  resume:
    'Schedules continue with their next time. What would have started during the pause is not made up for. A clinic that is paused by itself stays paused.',
};

/** Its place is kept, so that nothing moves when the pause is known. */
export function PauseButton({ pause, change }: KnownPause) {
  const [asked, setAsked] = useState<keyof typeof EFFECTS | null>(null);
  return (
    <>
      <button
        type="button"
        className="btn btn-small"
        data-hidden={pause === null}
        onClick={() => setAsked(pause?.paused ? 'resume' : 'pause')}
      >
        {WORDS[pause?.paused ? 'resume' : 'pause']}
      </button>
      {asked !== null && (
        <LazyReasonDialog
          title={`${WORDS[asked]}?`}
          button={WORDS[asked]}
          reasonLabel={asked === 'pause' ? REASON_OF_PAUSE : null}
          onConfirm={(reason) => change(asked === 'pause' ? { paused: true, reason } : { paused: false })}
          onClose={() => setAsked(null)}
        >
          <p>{EFFECTS[asked]}</p>
        </LazyReasonDialog>
      )}
    </>
  );
}

export function EverythingPaused({ pause }: { pause: Pause | null }) {
  const isPaused = pause?.paused === true;
  return (
    <PausedNotice
      words={isPaused ? 'Everything is paused' : null}
      {...(isPaused && { facts: { at: pause.paused_at, by: pause.paused_by, reason: pause.reason } })}
    >
      No schedule and no second attempt starts a sync, for any clinic. A sync that a person starts runs.
    </PausedNotice>
  );
}
