/**
 * Patients that disappeared from Cliniko all at once: none is marked missing until a person confirms, because the
 * usual reason is another one, such as a key of the wrong account.
 */
import { useEffect, useRef, useState } from 'react';
import { formatPatients } from '#contract/count.ts';
import type { MissingPatients } from '#contract/patients.ts';
import type { Api } from '../api.ts';
import { Icon } from '../ui/icon.tsx';
import { LazyConfirmDialog } from '../ui/lazy-confirm-dialog.tsx';
import { Moment } from '../ui/time.tsx';

export interface HeldNoticeProps {
  api: Api;
  organizationId: number;
  missing: MissingPatients | null;
  onConfirmed(): void;
}

export function HeldNotice({ api, organizationId, missing, onConfirmed }: HeldNoticeProps) {
  const [isAsking, setIsAsking] = useState(false);
  const [marked, setMarked] = useState<string | null>(null);
  const isHeld = missing !== null && missing.held > 0;
  // The answer about earlier missing patients does not apply to others.
  useEffect(() => {
    if (isHeld) setMarked(null);
  }, [isHeld]);
  if (!isHeld) return marked === null ? null : <Marked who={marked} />;
  const who = formatPatients(missing.held);
  return (
    <section className="notice held" data-tone="warn" aria-label="Held disappearances">
      <Icon name="warning" />
      <div>
        <p className="result-message">
          {who} {missing.held === 1 ? 'is' : 'are'} no longer in Cliniko, and not marked as missing yet.
        </p>
        <p>
          Check in Cliniko whether they were really deleted
          {missing.held_since !== null && (
            <>
              {' '}
              before <Moment at={missing.held_since} />
            </>
          )}
          . A key of another account, or of a role that sees fewer patients, has the same effect.
        </p>
        <HeldIds missing={missing} />
        <button type="button" className="btn btn-small" onClick={() => setIsAsking(true)}>
          Review
        </button>
      </div>
      <LazyConfirmDialog
        isOpen={isAsking}
        title={`Mark ${who} as missing?`}
        action="Mark as missing"
        otherwise="Not now"
        onConfirm={async () => {
          await api.confirmMissing(organizationId);
          setMarked(who);
          onConfirmed();
        }}
        onClose={() => setIsAsking(false)}
      >
        <p>
          They leave the totals and count as missing in Cliniko. No patient is deleted, and a patient that
          reappears in Cliniko returns with the next sync.
        </p>
      </LazyConfirmDialog>
    </section>
  );
}

function HeldIds({ missing }: { missing: MissingPatients }) {
  return (
    <details className="held-ids">
      <summary>Their ids in Cliniko</summary>
      <ul>
        {missing.held_ids.map((id) => (
          <li key={id}>{id}</li>
        ))}
      </ul>
      {missing.held > missing.held_ids.length && (
        <p className="soft">and {formatPatients(missing.held - missing.held_ids.length)} more</p>
      )}
    </details>
  );
}

/** Takes the focus of the removed button. */
function Marked({ who }: { who: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (document.activeElement === document.body) place.current?.focus();
  }, []);
  return (
    <div ref={place} className="notice" role="status" tabIndex={-1}>
      <Icon name="done" />
      <p>{who} marked as missing. A patient that reappears in Cliniko returns with the next sync.</p>
    </div>
  );
}
