/** The entry of `/`: the organization or the run that the address names, or the choice of an organization. */
import { BASE_PATH } from '../base-path.ts';
import '../strict-csp.ts';
import { createApi } from '../api.ts';
import { sessionFetch } from '../auth/session.ts';
import { rememberOrganization } from '../ui/last-organization.ts';
import { loadWholePage } from '../ui/load-on-demand.tsx';
import { showPage } from '../ui/page-root.tsx';
import { organizationOf, runOf, viewOf } from './address.ts';
import { ChooseOrganization } from './choose-organization.tsx';
import { Dashboard } from './dashboard.tsx';

const RunPage = loadWholePage(() => import('./run-page.tsx').then(({ RunPage: loaded }) => loaded));

const PatientsPage = loadWholePage(() =>
  import('./patients-page.tsx').then(({ PatientsPage: loaded }) => loaded),
);

const CheckPage = loadWholePage(() => import('./check-page.tsx').then(({ CheckPage: loaded }) => loaded));

const AddClinicPage = loadWholePage(() =>
  import('./add-clinic-page.tsx').then(({ AddClinicPage: loaded }) => loaded),
);

const { search } = window.location;
const organizationId = organizationOf(search);
const runId = runOf(search);
const view = viewOf(search);
if (organizationId !== undefined && view !== 'add') rememberOrganization(organizationId);
const api = createApi(BASE_PATH, sessionFetch);

if (view === 'add') {
  showPage(<AddClinicPage api={api} proposedId={organizationId} />);
} else if (organizationId === undefined) {
  showPage(<ChooseOrganization api={api} asked={new URLSearchParams(search).get('org')} />);
} else if (view === 'patients') {
  showPage(<PatientsPage organizationId={organizationId} api={api} />);
} else if (view === 'check') {
  showPage(<CheckPage organizationId={organizationId} api={api} />);
} else if (runId === undefined) {
  showPage(<Dashboard organizationId={organizationId} api={api} />);
} else {
  showPage(<RunPage organizationId={organizationId} runId={runId} api={api} />);
}
