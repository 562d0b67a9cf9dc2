/** A React page of somebody who uses `useSyncProgress`, built as they would build it. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const PROJECT = fileURLToPath(new URL('../../..', import.meta.url));
const HOOK = fileURLToPath(new URL('../../../web-client/src/react/use-sync-progress.ts', import.meta.url));
/** Never written: it stands only in the build. */
const ENTRY = fileURLToPath(new URL('hook-entry.tsx', import.meta.url));

const SOURCE = `
import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { useSyncProgress } from ${JSON.stringify(HOOK)};

function Monitor() {
  const [orgId, setOrgId] = useState('123');
  const [trouble, setTrouble] = useState('');
  const { progress, percent, step, problem, connection, startSync } = useSyncProgress(orgId);
  return (
    <div data-org={orgId} data-status={progress?.status ?? 'none'} data-connection={connection.kind}>
      <button onClick={() => startSync().catch((error) => setTrouble(error.message))}>Start</button>
      <button onClick={() => setOrgId('124')}>Other</button>
      <progress max={100} value={percent} aria-label="Sync" />
      <p id="step">{step}</p>
      <p id="problem">{problem ?? trouble}</p>
    </div>
  );
}
createRoot(document.getElementById('root')!).render(<StrictMode><Monitor /></StrictMode>);
`;

/** @returns the page's script */
export async function buildHookPage(): Promise<string> {
  const result = await build({
    root: PROJECT,
    configFile: false,
    logLevel: 'silent',
    // Vitest's NODE_ENV would make it a mixture of React's development and production builds.
    oxc: { jsx: { runtime: 'automatic', development: false } },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'hook-entry',
        resolveId: (id) => (id === ENTRY ? ENTRY : undefined),
        load: (id) => (id === ENTRY ? SOURCE : undefined),
      },
    ],
    build: { write: false, lib: { entry: ENTRY, formats: ['iife'], name: 'hook' } },
  });
  const [output] = Array.isArray(result) ? result : [result];
  if (output === undefined || !('output' in output))
    throw new Error('The build watched instead of building.');
  return output.output[0].code;
}
