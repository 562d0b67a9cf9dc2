/** The entry of `/ops`. */
import '../strict-csp.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from '../api.ts';
import { OpsConsole } from './ops-console.tsx';

const root = document.getElementById('root');
if (root === null) throw new Error('ops.html has no element with the id "root".');

createRoot(root).render(
  <StrictMode>
    <OpsConsole api={createApi('')} />
  </StrictMode>,
);
