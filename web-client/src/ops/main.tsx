/** The entry of `/ops`. */
import '../strict-csp.ts';
import { createApi } from '../api.ts';
import { showPage } from '../look/page-root.tsx';
import { sessionFetch } from '../look/session.ts';
import { OpsConsole } from './ops-console.tsx';

showPage(<OpsConsole api={createApi('', sessionFetch)} />);
