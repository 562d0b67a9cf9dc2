/** The entry of `/`: the organization that the address names, or the choice of one. */
import '../strict-csp.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from '../api.ts';
import { organizationOf } from './address.ts';
import { ChooseOrganization } from './choose-organization.tsx';
import { Dashboard } from './dashboard.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no element with the id "root".');

const organizationId = organizationOf(window.location.search);
createRoot(root).render(
  <StrictMode>
    {organizationId === undefined ? (
      <ChooseOrganization asked={new URLSearchParams(window.location.search).get('org')} />
    ) : (
      <Dashboard organizationId={organizationId} api={createApi('')} />
    )}
  </StrictMode>,
);
