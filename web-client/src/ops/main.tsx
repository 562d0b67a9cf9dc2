/** The entry of `/ops`. */
import { BASE_PATH } from '../base-path.ts';
import '../strict-csp.ts';
import { createApi } from '../api.ts';
import { sessionFetch } from '../auth/session.ts';
import { showPage } from '../ui/page-root.tsx';
import { OpsConsole } from './ops-console.tsx';

showPage(<OpsConsole api={createApi(BASE_PATH, sessionFetch)} />);
