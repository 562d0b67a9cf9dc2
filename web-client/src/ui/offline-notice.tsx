/** Warns in the content, not only in the badge, that the data may be old. */
import { type Connection, isForbidden } from '../live/connection.ts';
import { byServer } from '../server-time.ts';
import { Icon } from './icon.tsx';
import { ClockTime } from './time.tsx';

export function OfflineNotice({ connection }: { connection: Connection }) {
  // Without access, the server's refusal is shown instead.
  if (connection.kind !== 'offline' || isForbidden(connection)) return null;
  return (
    <div className="notice offline" data-tone="bad">
      <Icon name="warning" />
      <p>{connection.refusal === undefined ? <Unanswered {...connection} /> : <Refused {...connection} />}</p>
    </div>
  );
}

function Refused({ refusal }: Connection) {
  return (
    <>
      <strong>The server refuses this page.</strong> {refusal}
    </>
  );
}

function Unanswered({ since }: Connection) {
  return (
    <>
      <strong>
        The server has not answered since <ClockTime at={byServer(since)} />.
      </strong>{' '}
      This state is older, and nothing on this page moves until the server answers. No sync depends on this
      page.
    </>
  );
}
