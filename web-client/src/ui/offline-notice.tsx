/** Warns in the content, not only in the badge, that the data may be old. */
import { type Connection, isForbidden } from '../live/connection.ts';
import { Icon } from './icon.tsx';

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

export function OfflineNotice({ connection }: { connection: Connection }) {
  // Without access, the server's refusal is shown instead.
  if (connection.kind !== 'offline' || isForbidden(connection)) return null;
  if (connection.refusal !== undefined) {
    return (
      <div className="notice offline" data-tone="bad">
        <Icon name="warning" />
        <p>
          <strong>The server refuses this page.</strong> {connection.refusal}
        </p>
      </div>
    );
  }
  return (
    <div className="notice offline" data-tone="bad">
      <Icon name="warning" />
      <p>
        <strong>The server has not answered since {TIME.format(connection.since)}.</strong> This state is
        older. A sync continues without this page, and the page updates as soon as the server answers.
      </p>
    </div>
  );
}
