/** The stored patients of one organization, to check the result of a sync. */
import { useId, useState } from 'react';
import { formatPatients } from '#contract/count.ts';
import { type ListedPatient, PatientState } from '#contract/patients.ts';
import type { Api } from '../api.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { Fact } from '../ui/facts.tsx';
import { Icon } from '../ui/icon.tsx';
import { MoreButton } from '../ui/more-button.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { useHandOverToEntries } from '../ui/restore-focus.ts';
import { DayAndTime } from '../ui/time.tsx';
import { SubpageTitle } from './subpage-title.tsx';
import { type PatientFilter, usePatients } from './use-patients.ts';
import { nameOf, useRegistration } from './use-registration.ts';

export interface PatientsPageProps {
  organizationId: number;
  api: Api;
}

export function PatientsPage({ organizationId, api }: PatientsPageProps) {
  const { registration } = useRegistration(api, organizationId);
  const [filter, setFilter] = useState<PatientFilter>({ search: '' });
  const { patients, hasMore, isReading, isOld, error, readMore, readAgain } = usePatients(
    api,
    organizationId,
    filter,
  );
  const [list, more] = useHandOverToEntries<HTMLUListElement>();
  const name = nameOf(registration, organizationId);
  useDocumentTitle('Patients', name);
  return (
    <>
      <PageHeader current="dashboard" />
      <main className="page">
        <SubpageTitle organizationId={organizationId} organizationName={name} title="Patients" />
        <section className="card" aria-label="Stored patients">
          <Filters filter={filter} onFilter={setFilter} />
          {error !== null && <ErrorNotice words={error} onAgain={readAgain} />}
          <p className="soft patients-count" role="status">
            {error === null && summary(patients, filter, { hasMore, isOld })}
          </p>
          {patients !== null && patients.length > 0 && (
            <ul ref={list} className="patients" aria-busy={isReading} data-old={isOld}>
              {patients.map((patient) => (
                <Patient key={patient.cliniko_patient_id} patient={patient} />
              ))}
            </ul>
          )}
          {hasMore && (
            <MoreButton
              ref={more}
              className="more"
              words="Show more"
              isReading={isReading}
              onMore={readMore}
            />
          )}
        </section>
      </main>
    </>
  );
}

function summary(
  patients: readonly ListedPatient[] | null,
  { search, state }: PatientFilter,
  { hasMore, isOld }: { hasMore: boolean; isOld: boolean },
): string {
  if (patients === null || isOld) return 'Reading…';
  if (patients.length === 0)
    return search === '' && state === undefined ? 'No patient is stored yet.' : 'No patient matches.';
  return hasMore ? `The first ${formatPatients(patients.length)}` : formatPatients(patients.length);
}

const STATE_LABELS: Record<PatientState, string> = {
  active: 'Active',
  archived: 'Archived',
  missing: 'Missing in Cliniko',
  merged: 'Merged',
};

interface FiltersProps {
  filter: PatientFilter;
  onFilter(filter: PatientFilter): void;
}

function Filters({ filter, onFilter }: FiltersProps) {
  const searchId = useId();
  const stateId = useId();
  return (
    <search className="patient-filters">
      <label htmlFor={searchId}>Name, e-mail, phone or Cliniko id</label>
      <input
        id={searchId}
        type="search"
        autoComplete="off"
        spellCheck={false}
        maxLength={100}
        value={filter.search}
        onChange={(event) => onFilter({ ...filter, search: event.target.value })}
      />
      <label htmlFor={stateId}>State</label>
      <select
        id={stateId}
        className="select"
        value={filter.state ?? ''}
        onChange={(event) => {
          const { search } = filter;
          const state = PatientState.safeParse(event.target.value).data;
          onFilter(state === undefined ? { search } : { search, state });
        }}
      >
        <option value="">Active and archived</option>
        {PatientState.options.map((state) => (
          <option key={state} value={state}>
            {STATE_LABELS[state]}
          </option>
        ))}
      </select>
    </search>
  );
}

function Patient({ patient }: { patient: ListedPatient }) {
  const { first_name, last_name, cliniko_patient_id: id, cliniko_url: url } = patient;
  const name = [first_name, last_name].filter(Boolean).join(' ');
  return (
    <li>
      <details>
        <summary>
          <Icon name="next" />
          <bdi className="patient-name">{name === '' ? `Patient ${id}` : name}</bdi>
          <span className="soft patient-state">{STATE_LABELS[patient.state]}</span>
        </summary>
        <dl className="patient-facts">
          <Fact term="Cliniko id">
            <code>{id}</code>
            {url !== null && (
              <a className="patient-link" href={url} target="_blank" rel="noreferrer">
                Open in Cliniko
              </a>
            )}
          </Fact>
          <Fact term="Date of birth">{patient.date_of_birth}</Fact>
          <Fact term="E-mail">{patient.email}</Fact>
          <Fact term="Phone">{patient.phone}</Fact>
          <Fact term="Last changed in Cliniko">
            {patient.updated_at && <DayAndTime at={patient.updated_at} />}
          </Fact>
          {patient.archived_at && (
            <Fact term="Archived">
              <DayAndTime at={patient.archived_at} />
            </Fact>
          )}
          {patient.missing_since && (
            <Fact term="Missing since">
              <DayAndTime at={patient.missing_since} />
            </Fact>
          )}
          {patient.merged_into && <Fact term="Merged into">{patient.merged_into}</Fact>}
        </dl>
      </details>
    </li>
  );
}
