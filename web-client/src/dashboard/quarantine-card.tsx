/** Patients that could not be stored and wait for somebody to mend them in Cliniko. */
import type { QuarantineList } from '../../../src/contract/patients.ts';
import { Icon } from '../look/icon.tsx';
import { Moment } from '../look/moments.tsx';
import { formatCount, QUARANTINE_WORDS } from '../look/words.ts';

const SHOWN = 50;

export function QuarantineCard({ quarantine }: { quarantine: QuarantineList | null }) {
  const count = quarantine?.total ?? 0;
  return (
    <section className="card" aria-labelledby="quarantine-title">
      <h2 id="quarantine-title">
        Quarantine {count > 0 && <span className="count">{formatCount(count)}</span>}
      </h2>
      {quarantine === null && <p className="empty">Reading…</p>}
      {quarantine !== null && count === 0 && (
        <p className="empty">
          <Icon name="done" /> Nothing in quarantine.
        </p>
      )}
      {quarantine !== null && count > 0 && <Quarantined quarantine={quarantine} />}
    </section>
  );
}

function Quarantined({ quarantine: { patients, total } }: { quarantine: QuarantineList }) {
  const shown = patients.slice(0, SHOWN);
  return (
    <>
      <p className="soft">Mend these records in Cliniko; the next sync tries them again.</p>
      <ul className="quarantine">
        {shown.map((patient) => (
          <li key={patient.id}>
            <p className="quarantine-id">{patient.cliniko_patient_id ?? 'Without an id'}</p>
            <p>{QUARANTINE_WORDS[patient.reason]}</p>
            <p className="soft quarantine-seen">
              Last seen <Moment at={patient.last_seen_at} />
              {patient.attempts > 1 && ` · ${patient.attempts} attempts`}
            </p>
          </li>
        ))}
      </ul>
      {total > shown.length && <p className="soft">and {formatCount(total - shown.length)} more</p>}
    </>
  );
}
