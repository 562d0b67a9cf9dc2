/** The organization whose page was open last in this tab: the navigation of other pages leads back to it. */
import { BASE_PATH } from '../base-path.ts';
import { keep, readKept } from '../browser-storage.ts';

const KEY = 'patient-sync.last-organization';

/** A page without storage leads to the choice of an organization. */
export function rememberOrganization(organizationId: number): void {
  keep('sessionStorage', KEY, String(organizationId));
}

export function dashboardAddress(): string {
  const id = readKept('sessionStorage', KEY);
  return id !== null && /^[1-9][0-9]{0,9}$/.test(id) ? `${BASE_PATH}/?org=${id}` : `${BASE_PATH}/`;
}
