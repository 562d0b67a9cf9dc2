/** The entry of `/notifications`. */
import '../strict-csp.ts';
import { createApi } from '../api.ts';
import { sessionFetch } from '../auth/session.ts';
import { BASE_PATH } from '../base-path.ts';
import { showPage } from '../ui/page-root.tsx';
import { createNotificationApi } from './notification-api.ts';
import { NotificationsPage } from './notifications-page.tsx';

const { organizations } = createApi(BASE_PATH, sessionFetch);
const api = createNotificationApi(BASE_PATH, sessionFetch);

showPage(<NotificationsPage api={{ ...api, organizations }} />);
