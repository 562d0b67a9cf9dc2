/** What is on the page may be old: said where people look, not only in the badge. */
import { type Connection, isForbidden } from '../live/connection.ts';
import { Icon } from './icon.tsx';

const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

export function OfflineNotice({ connection }: { connection: Connection }) {
  // Who may not see this is told by what the server said.
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
        <strong>The server has not answered since {TIME.format(connection.since)}.</strong> What you see is
        from before. A sync goes on without this page; it catches up by itself as soon as the server answers.
      </p>
    </div>
  );
}
