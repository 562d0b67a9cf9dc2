/** Shows the connection state of the page. */
import { type Connection, type ConnectionKind, isForbidden } from '../live/connection.ts';
import { byServer } from '../server-time.ts';
import { Moment } from './time.tsx';

const WORDS: Record<ConnectionKind, { label: string; meaning: string }> = {
  connecting: { label: 'Catching up', meaning: 'Connecting; missed changes are loaded first.' },
  live: { label: 'Live', meaning: 'Every change appears as it happens.' },
  polling: { label: 'Polling', meaning: 'The live stream is not available; the page polls every 2 seconds.' },
  offline: { label: 'Offline', meaning: 'The server does not answer. What you see may be old.' },
};
const NO_ACCESS = {
  label: 'No access',
  meaning: 'The server answers, but your token has no access to this.',
};

export function ConnectionBadge({ connection }: { connection: Connection }) {
  const { label, meaning } = wordsOf(connection);
  return (
    <p className="badge" data-connection={connection.kind} title={meaning} role="status">
      <span className="badge-dot" aria-hidden="true" />
      <span>
        {label}
        {connection.kind === 'offline' && !isForbidden(connection) && (
          <>
            {' since '}
            <Moment at={new Date(byServer(connection.since)).toISOString()} />
          </>
        )}
        <span className="undrawn">. {meaning}</span>
      </span>
    </p>
  );
}

/** While missed events are still arriving, the badge does not show "live" yet. */
function wordsOf(connection: Connection): { label: string; meaning: string } {
  if (isForbidden(connection)) return NO_ACCESS;
  return WORDS[connection.isCatchingUp === true ? 'connecting' : connection.kind];
}
