/**
 * Adds a clinic: a person pastes the API key, Cliniko tells name, country and time zone, and the person corrects them.
 *
 * Nothing is stored before Cliniko has accepted the key, so no half-added clinic remains of a wrong one.
 */
import { useState } from 'react';
import type { Api } from '../api.ts';
import { useMay } from '../auth/rights.ts';
import { BASE_PATH } from '../base-path.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { Icon } from '../ui/icon.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import type { AcceptedKey } from './new-clinic.ts';
import { NewClinicForm } from './new-clinic-form.tsx';
import { NewKeyForm } from './new-key-form.tsx';

export interface AddClinicPageProps {
  api: Api;
  /** The organization id that the address proposes. */
  proposedId: number | undefined;
}

export function AddClinicPage({ api, proposedId }: AddClinicPageProps) {
  const [accepted, setAccepted] = useState<AcceptedKey | null>(null);
  const may = useMay('admin');
  useDocumentTitle('Add a clinic');
  return (
    <>
      <PageHeader current="dashboard" />
      <main className="page choose">
        <div className="title">
          <p className="crumb">
            <a href={`${BASE_PATH}/?org=`}>
              <Icon name="back" /> All clinics
            </a>
          </p>
          <h1>Add a clinic</h1>
        </div>
        {may === false && (
          <p className="card empty">
            Only an administrator can add a clinic. Ask the administrator of this server.
          </p>
        )}
        {may !== false && accepted === null && (
          <NewKeyForm api={api} proposedId={proposedId} onAccepted={setAccepted} />
        )}
        {may !== false && accepted !== null && <NewClinicForm api={api} {...accepted} />}
      </main>
    </>
  );
}
