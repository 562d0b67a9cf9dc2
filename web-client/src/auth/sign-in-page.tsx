/**
 * Signs a person in with the one-time code of the address, when the person presses the button: a program that opens the
 * address for a preview does not use the code up.
 */
import { type FormEvent, useState } from 'react';
import { type Api, messageOf } from '../api.ts';
import { BASE_PATH } from '../base-path.ts';
import { Icon } from '../ui/icon.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { ProviderButton } from './provider-button.tsx';
import { forgetToken } from './session.ts';

export interface SignInPageProps {
  api: Api;
  /** Of the link; empty when the address has none. */
  code: string;
  /** Why the identity provider gave no session: a word in the address. */
  refused: string | null;
}

const REFUSALS: Record<string, string> = {
  'not-allowed':
    'You are signed in at the identity provider, but no account of this server is yours. Ask the administrator to allow your e-mail address.',
  failed: 'The sign-in was not completed, or it took longer than ten minutes. Try again.',
  unavailable: 'The identity provider does not answer now. Try again in a moment.',
};

export function SignInPage({ api, code, refused }: SignInPageProps) {
  const [isAsking, setIsAsking] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  const signIn = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isAsking) return;
    setIsAsking(true);
    setRefusal(null);
    try {
      await api.signIn(code);
      forgetToken();
      // Replaced, so that the back button does not return to a used link.
      window.location.replace(`${BASE_PATH}/`);
    } catch (error) {
      setRefusal(messageOf(error));
      setIsAsking(false);
    }
  };
  return (
    <>
      <PageHeader />
      <main className="page sign-in">
        {code === '' ? (
          <NoCode api={api} refused={refused} />
        ) : (
          <form className="card" onSubmit={signIn}>
            <h1>Sign in on this device</h1>
            <p>
              This browser stays signed in until you sign out, and for 30 days without a visit. Use it only on
              a device of the clinic or your own.
            </p>
            <button type="submit" className="btn btn-primary" aria-disabled={isAsking}>
              <Icon name="key" />
              {isAsking ? 'Signing in…' : 'Sign in'}
            </button>
            <p className="hint hint-bad" role="alert">
              {refusal}
            </p>
            <p className="hint">
              The link works once. Do not forward it: it signs in the first person who uses it.
            </p>
          </form>
        )}
      </main>
    </>
  );
}

function NoCode({ api, refused }: Pick<SignInPageProps, 'api' | 'refused'>) {
  const words = refused === null ? undefined : REFUSALS[refused];
  return (
    <section className="card">
      <h1>{words === undefined ? 'This address has no sign-in code' : 'You are not signed in'}</h1>
      <p>{words ?? 'Open the whole link that the administrator sent to you, or ask for a new one.'}</p>
      <ProviderButton api={api} returnTo="/" />
      <p>
        <a className="btn" href={`${BASE_PATH}/`}>
          Open the dashboard
        </a>
      </p>
    </section>
  );
}
