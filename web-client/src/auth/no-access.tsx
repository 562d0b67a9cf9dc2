/**
 * The page of what a token does not hold. The refusal alone: whether there ever was a sync is not known here, so nothing may
 * look as if it were.
 */
import type { Connection } from '../live/connection.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';

export interface NoAccessProps {
  title: string;
  /** The server's; null until it has answered in words. */
  words: string | null;
  connection: Connection;
}

export function NoAccess({ title, words, connection }: NoAccessProps) {
  return (
    <>
      <PageHeader current="dashboard" connection={connection} />
      <main className="page">
        <h1>{title}</h1>
        <ErrorNotice words={words ?? 'Your token does not hold this organization.'} />
        <p>
          <a href="/">See what your token holds</a>
        </p>
      </main>
    </>
  );
}
