/** The header of every page: title, links, and connection state. */

import { SignOut } from '../auth/sign-out.tsx';
import { BASE_PATH } from '../base-path.ts';
import type { Connection } from '../live/connection.ts';
import { ConnectionBadge } from './connection-badge.tsx';
import { dashboardAddress } from './last-organization.ts';

export interface MastheadProps {
  /** Absent on the sign-in card. */
  current?: 'dashboard' | 'ops' | 'notifications';
  /** Absent where the page watches nothing. */
  connection?: Connection;
}

export function PageHeader({ current, connection }: MastheadProps) {
  return (
    <header className="masthead">
      <a className="brand" href={`${BASE_PATH}/`}>
        <svg className="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
          <rect width="32" height="32" rx="9" />
          <path d="M8 17.5h4l2.5-6.5 4 11 2.5-4.5H24" />
        </svg>
        Patient Sync
      </a>
      <nav aria-label="Pages">
        <a href={dashboardAddress()} aria-current={current === 'dashboard' ? 'page' : undefined}>
          Dashboard
        </a>
        <a href={`${BASE_PATH}/ops`} aria-current={current === 'ops' ? 'page' : undefined}>
          All organizations
        </a>
      </nav>
      {connection !== undefined && <ConnectionBadge connection={connection} />}
      <SignOut />
    </header>
  );
}
