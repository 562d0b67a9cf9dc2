/** A React page that uses `useSyncProgress`, built as a user would build it. */
import { fileURLToPath } from 'node:url';
import { buildScript } from './build-script.ts';

const HOOK = fileURLToPath(new URL('../../../web-client/src/react/use-sync-progress.ts', import.meta.url));

const SOURCE = `
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useSyncProgress } from ${JSON.stringify(HOOK)};

function Monitor() {
  const [orgId, setOrgId] = useState('123');
  const [startError, setStartError] = useState('');
  const { progress, percent, step, problem, connection, startSync } = useSyncProgress(orgId);
  return (
    <div data-org={orgId} data-status={progress?.status ?? 'none'} data-connection={connection.kind}>
      <button onClick={() => startSync().catch((error) => setStartError(error.message))}>Start</button>
      <button onClick={() => setOrgId('124')}>Other</button>
      <progress max={100} value={percent} aria-label="Sync" />
      <p id="step">{step}</p>
      <p id="problem">{problem ?? startError}</p>
    </div>
  );
}
createRoot(document.getElementById('root')!).render(<StrictMode><Monitor /></StrictMode>);
`;

/** @returns the page's script */
export const buildHookPage = (): Promise<string> => buildScript(SOURCE);
