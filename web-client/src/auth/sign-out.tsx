/** The button of the header that signs out: of a session by a question, of the token of this tab at once. */
import { useState } from 'react';
import { createApi } from '../api.ts';
import { BASE_PATH } from '../base-path.ts';
import { loadOnDemand } from '../ui/load-on-demand.tsx';
import { useAccount } from './rights.ts';
import { sessionFetch, signOut, useSession } from './session.ts';

const SignOutDialog = loadOnDemand(() =>
  import('./sign-out-dialog.tsx').then(({ SignOutDialog: loaded }) => loaded),
);

const api = createApi(BASE_PATH, sessionFetch);

export function SignOut() {
  const account = useAccount();
  const hasToken = useSession().kind === 'signed-in';
  const [isAsking, setIsAsking] = useState(false);
  if (!hasToken && account?.kind !== 'session') return null;
  return (
    <>
      <button type="button" className="btn btn-small" onClick={hasToken ? signOut : () => setIsAsking(true)}>
        Sign out
      </button>
      {isAsking && account !== undefined && (
        <SignOutDialog api={api} account={account} onClose={() => setIsAsking(false)} />
      )}
    </>
  );
}
