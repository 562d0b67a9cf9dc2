/** What to do about an organization that this server does not know. */

import { useAccount, useMay } from '../auth/rights.ts';
import { BASE_PATH } from '../base-path.ts';
import { Icon } from '../ui/icon.tsx';
import { addressOfAdd } from './address.ts';

export interface NotRegisteredProps {
  organizationId: number;
}

export function NotRegistered({ organizationId }: NotRegisteredProps) {
  const may = useMay('admin') !== false;
  const account = useAccount();
  const needsToken = account !== undefined && account.kind !== 'none';
  return (
    <section className="notice not-registered" data-tone="warn" role="alert">
      <Icon name="warning" />
      <div>
        <p className="result-message">Organization {organizationId} is not registered.</p>
        {may ? (
          <>
            <p>Add it with its Cliniko API key, then start the sync.</p>
            <a className="btn btn-small btn-primary" href={addressOfAdd(organizationId)}>
              Add it
            </a>
          </>
        ) : (
          <p>An administrator of this server can register it.</p>
        )}
        <details>
          <summary>Or from a terminal</summary>
          {needsToken && (
            <p>
              With an access token of the scope “admin” in the variable <code>TOKEN</code>:
            </p>
          )}
          <pre>
            <code>{commands(organizationId, needsToken)}</code>
          </pre>
        </details>
      </div>
    </section>
  );
}

/** Copied as they are: in double quotes the shell inserts the token. */
function commands(organizationId: number, needsToken: boolean): string {
  const address = `${window.location.origin}${BASE_PATH}/api/v1/organizations/${organizationId}`;
  const headers = `${needsToken ? '-H "Authorization: Bearer $TOKEN" ' : ''}-H 'Content-Type: application/json'`;
  return [
    `curl -X PUT ${address} ${headers} -d '{"name": "The clinic’s name"}'`,
    `curl -X PUT ${address}/cliniko-credentials ${headers} -d '{"api_key": "…", "check": true}'`,
  ].join('\n');
}
