/**
 * The decision about patients that disappeared from Cliniko all at once: none is marked missing until a person confirms,
 * because the usual reason is another one, such as a key of the wrong account.
 */
import { type RefObject, useState } from 'react';
import { formatCount, formatPatients } from '#contract/count.ts';
import type { ConfirmedMissing, ReleasedHeld } from '#contract/patients.ts';
import { type Api, ApiError } from '../api.ts';
import { useMay } from '../auth/rights.ts';
import { LazyConfirmDialog } from '../ui/lazy-confirm-dialog.tsx';
import { useHandOver } from '../ui/restore-focus.ts';

export interface HeldDecisionProps {
  api: Api;
  organizationId: number;
  /** At least 1. */
  held: number;
  /** Takes the focus of the removed buttons. */
  focusTarget: RefObject<HTMLElement | null>;
  /** @param words what was done, or why nothing was, for people */
  onDecided(words: string): void;
}

interface Question {
  answer: 'gone' | 'there';
  /** As many as the person saw: others may join them while the question is open. */
  held: number;
  /** The server has refused it, because others are held: it is asked again about those of the next read. */
  isOld?: boolean;
}

export function HeldDecision({ api, organizationId, held, focusTarget, onDecided }: HeldDecisionProps) {
  const may = useMay('admin');
  const [asked, setAsked] = useState<Question | null>(null);
  const button = useHandOver(focusTarget);
  if (may === false) return <p className="soft">An account with the scope "admin" decides about them.</p>;
  if (asked?.isOld && asked.held !== held) setAsked({ answer: asked.answer, held });
  const who = formatPatients(asked?.held ?? held);
  const decide = async (decided: Promise<string>): Promise<void> => {
    try {
      onDecided(await decided);
    } catch (error) {
      if (error instanceof ApiError && error.code === 'HELD_CHANGED') {
        setAsked((question) => question && { ...question, isOld: true });
        onDecided(error.message);
      }
      throw error;
    }
  };
  const decision = {
    ref: button,
    type: 'button',
    className: 'btn btn-small',
    'data-unknown': may === undefined,
  } as const;
  return (
    <>
      <button {...decision} onClick={() => setAsked({ answer: 'gone', held })}>
        {held === 1 ? 'This one is gone' : `These ${formatCount(held)} are gone`}
      </button>
      <button {...decision} onClick={() => setAsked({ answer: 'there', held })}>
        {held === 1 ? 'It is still there' : 'They are still there'}
      </button>
      <LazyConfirmDialog
        isOpen={asked?.answer === 'gone'}
        title={`Mark ${who} as missing?`}
        action="Mark as missing"
        otherwise="Not now"
        onConfirm={() => decide(api.confirmMissing(organizationId, asked?.held ?? held).then(confirmedText))}
        onClose={() => setAsked(null)}
      >
        <p>
          They leave the totals and count as missing in Cliniko. No patient is deleted, and a patient that
          reappears in Cliniko returns with the next sync.
        </p>
      </LazyConfirmDialog>
      <LazyConfirmDialog
        isOpen={asked?.answer === 'there'}
        title={`Keep ${who}?`}
        action="Keep them"
        otherwise="Not now"
        onConfirm={() => decide(api.releaseHeld(organizationId, asked?.held ?? held).then(releasedText))}
        onClose={() => setAsked(null)}
      >
        <p>
          They stay in the totals as before. The API key probably belongs to another account, or to a role
          that sees fewer patients: check it in the settings. A full sync that does not see them asks again.
        </p>
      </LazyConfirmDialog>
    </>
  );
}

const confirmedText = ({ confirmed }: ConfirmedMissing) =>
  `${formatPatients(confirmed)} marked as missing. A patient that reappears in Cliniko returns with the next sync.`;

const releasedText = ({ released }: ReleasedHeld) =>
  `${formatPatients(released)} kept. Check the API key of the clinic before the next full sync.`;
