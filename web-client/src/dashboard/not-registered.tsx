/** What to do about an organization that this server does not know. */
import { Icon } from '../look/icon.tsx';

export interface NotRegisteredProps {
  organizationId: number;
  onRegister(): void;
}

export function NotRegistered({ organizationId, onRegister }: NotRegisteredProps) {
  const address = `${window.location.origin}/api/v1/organizations/${organizationId}`;
  const json = `-H 'Content-Type: application/json'`;
  return (
    <section className="notice not-registered" data-tone="warn" role="alert">
      <Icon name="warning" />
      <div>
        <p className="result-message">Organization {organizationId} is not registered.</p>
        <p>Give it a name and its Cliniko API key, then start the sync.</p>
        <button type="button" className="btn btn-small" onClick={onRegister}>
          Register it
        </button>
        <details>
          <summary>Or from a terminal</summary>
          <pre>
            <code>
              {`curl -X PUT ${address} ${json} -d '{"name": "The clinic’s name"}'\n`}
              {`curl -X PUT ${address}/cliniko-credentials ${json} -d '{"api_key": "…"}'`}
            </code>
          </pre>
        </details>
      </div>
    </section>
  );
}
