/** The patients of one reason: what to do, the list page by page, and ways to take all of them out of the page. */
import { type ReactNode, useState } from 'react';
import { formatCount } from '#contract/count.ts';
import type { CheckReason, PatientToCheck } from '#contract/patients-to-check.ts';
import type { Api } from '../api.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { Icon } from '../ui/icon.tsx';
import { MoreButton } from '../ui/more-button.tsx';
import { useHandOverToEntries } from '../ui/restore-focus.ts';
import { DayAndTime } from '../ui/time.tsx';
import { CHECK_ADVICE, CHECK_WORDS, fieldWords, isNotStored } from './check-words.ts';
import { ExportList } from './export-list.tsx';
import { type CheckList, useCheckList } from './use-check-list.ts';

export interface CheckGroupProps {
  api: Api;
  organizationId: number;
  reason: CheckReason;
  count: number;
  isOpenAtFirst: boolean;
  version: number;
  /** More actions. */
  children?: ReactNode;
}

export function CheckGroup(props: CheckGroupProps) {
  const { api, organizationId, reason, count, isOpenAtFirst, version, children } = props;
  const [isShown, setIsShown] = useState(isOpenAtFirst);
  const list = useCheckList(api, organizationId, reason, { isShown, version });
  return (
    <details
      id={reason}
      className="card check-group"
      open={isOpenAtFirst}
      onToggle={(event) => setIsShown(event.currentTarget.open)}
    >
      <summary>
        <Icon name="next" />
        <h2>{CHECK_WORDS[reason]}</h2>
        <span className="count">{formatCount(count)}</span>
      </summary>
      <p className="check-advice">{CHECK_ADVICE[reason]}</p>
      <div className="check-actions">
        {children}
        <ExportList api={api} organizationId={organizationId} reason={reason} />
      </div>
      <Patients list={list} label={CHECK_WORDS[reason]} />
    </details>
  );
}

function Patients({ list, label }: { list: CheckList; label: string }) {
  const { patients, hasMore, isReading, error, readMore, readAgain } = list;
  const [entries, more] = useHandOverToEntries<HTMLUListElement>();
  return (
    <>
      {patients === null && isReading && <p className="empty">Reading…</p>}
      {patients !== null && (
        <ul ref={entries} className="check-list" aria-label={label} aria-busy={isReading}>
          {patients.map((patient) => (
            <Patient key={patient.key} patient={patient} />
          ))}
        </ul>
      )}
      {error !== null && (
        <ErrorNotice words={`These patients could not be read. ${error}`} onAgain={readAgain} />
      )}
      {hasMore && (
        <MoreButton
          ref={more}
          className="btn-small more"
          words="Show more"
          isReading={isReading}
          onMore={readMore}
        />
      )}
    </>
  );
}

function Patient({ patient }: { patient: PatientToCheck }) {
  const { cliniko_patient_id: id, cliniko_url: url } = patient;
  return (
    <li>
      <span className="check-id">{id ?? 'Without an id'}</span>
      {url !== null && (
        <a href={url} target="_blank" rel="noreferrer" aria-label={`Open in Cliniko: patient ${id}`}>
          Open in Cliniko
        </a>
      )}
      <span className="soft check-state">
        <State patient={patient} />
      </span>
    </li>
  );
}

function State({ patient }: { patient: PatientToCheck }) {
  const { reason, since, last_tried_at: triedAt, attempts, fields } = patient;
  if (isNotStored(patient) && triedAt !== null) {
    if (attempts === 1)
      return (
        <>
          Tried <DayAndTime at={triedAt} />
        </>
      );
    const verdict = reason === 'REFUSED_BY_DATABASE' ? 'still refused' : 'still invalid';
    return (
      <>
        Tried again <DayAndTime at={triedAt} />: {verdict} · {formatCount(attempts ?? 1)} attempts
      </>
    );
  }
  if (reason === 'HELD')
    return (
      <>
        Absent since <DayAndTime at={since} />
      </>
    );
  if (reason === 'MISSING')
    return (
      <>
        Missing since <DayAndTime at={since} />
      </>
    );
  return (
    <>
      {fields.length > 0 && `${fieldWords(patient)} · `}Stored <DayAndTime at={since} />
    </>
  );
}
