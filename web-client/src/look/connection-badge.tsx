/** Says how fresh the page is, without optimism. */
import type { Connection, ConnectionKind } from '../live/connection.ts';

const WORDS: Record<ConnectionKind, { label: string; meaning: string }> = {
  connecting: { label: 'Catching up', meaning: 'Connecting; what was missed comes first.' },
  live: { label: 'Live', meaning: 'Every change appears as it happens.' },
  polling: { label: 'Polling', meaning: 'The live stream is not available; the page asks every 2 seconds.' },
  offline: { label: 'Offline', meaning: 'The server does not answer. What you see may be old.' },
};
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'short' });

export function ConnectionBadge({ connection }: { connection: Connection }) {
  const { label, meaning } = WORDS[connection.kind];
  return (
    <p className="badge" data-connection={connection.kind} title={meaning} role="status">
      <span className="badge-dot" aria-hidden="true" />
      <span>
        {label}
        {connection.kind === 'offline' && ` since ${TIME.format(connection.since)}`}
        <span className="undrawn">. {meaning}</span>
      </span>
    </p>
  );
}
