/**
 * The page for an organization that the token cannot access. It shows only the refusal: whether a sync exists is
 * unknown here.
 */
import { BASE_PATH } from '../base-path.ts';
import type { Connection } from '../live/connection.ts';
import { ErrorNotice } from '../ui/error-notice.tsx';
import { PageHeader } from '../ui/page-header.tsx';

export interface NoAccessProps {
  title: string;
  /** The server's message; null until it has answered. */
  words: string | null;
  connection: Connection;
}

export function NoAccess({ title, words, connection }: NoAccessProps) {
  return (
    <>
      <PageHeader current="dashboard" connection={connection} />
      <main className="page">
        <h1>{title}</h1>
        <ErrorNotice words={words ?? 'Your token has no access to this organization.'} />
        <p>
          <a href={`${BASE_PATH}/`}>Show the organizations of your token</a>
        </p>
      </main>
    </>
  );
}
