/** What to do about an organization that this server does not know. */
export function NotRegistered({ organizationId }: { organizationId: number }) {
  const address = `${window.location.origin}/api/v1/organizations/${organizationId}`;
  const json = `-H 'Content-Type: application/json'`;
  return (
    <section className="notice not-registered" data-tone="warn" role="alert">
      <div>
        <p className="result-message">Organization {organizationId} is not registered.</p>
        <p>Register it and give it its Cliniko key, then start the sync again:</p>
        <pre>
          <code>
            {`curl -X PUT ${address} ${json} -d '{"name": "The clinic’s name"}'\n`}
            {`curl -X PUT ${address}/cliniko-credentials ${json} -d '{"api_key": "…"}'`}
          </code>
        </pre>
      </div>
    </section>
  );
}
