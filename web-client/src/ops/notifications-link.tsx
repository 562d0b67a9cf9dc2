/** Leads an administrator to the page of notifications. Its place is kept, so that nothing moves when the rights are known. */
import { useMay } from '../auth/rights.ts';
import { BASE_PATH } from '../base-path.ts';

export function NotificationsLink() {
  const may = useMay('admin') === true;
  return (
    <a className="ops-notifications" data-hidden={!may} href={`${BASE_PATH}/notifications`}>
      Notifications
    </a>
  );
}
