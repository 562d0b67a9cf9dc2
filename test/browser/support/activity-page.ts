/** A React page that hides `<SyncProgress>` without unmounting it, as Next.js does with Cache Components. */
import { fileURLToPath } from 'node:url';
import { buildScript } from './build-script.ts';

const COMPONENT = fileURLToPath(new URL('../../../web-client/src/react/sync-progress.ts', import.meta.url));

const SOURCE = `
import { Activity, StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { SyncProgress } from ${JSON.stringify(COMPONENT)};

function Clinic() {
  const [status, setStatus] = useState('unknown');
  return <><SyncProgress orgId={123} onChange={({ log }) => setStatus(log?.status ?? 'none')} /><p id="status">{status}</p></>;
}
function Pages() {
  const [isShown, setIsShown] = useState(true);
  return (
    <>
      <button onClick={() => setIsShown(!isShown)}>Navigate</button>
      <Activity mode={isShown ? 'visible' : 'hidden'}><Clinic /></Activity>
    </>
  );
}
createRoot(document.getElementById('root')!).render(<StrictMode><Pages /></StrictMode>);
`;

/** @returns the page's script */
export const buildActivityPage = (): Promise<string> => buildScript(SOURCE);
