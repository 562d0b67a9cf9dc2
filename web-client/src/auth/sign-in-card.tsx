/** Asks for an access token, and verifies it before it is stored. */

import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { createApi, messageOf } from '../api.ts';
import { BASE_PATH } from '../base-path.ts';
import { useDocumentTitle } from '../hooks/use-document-title.ts';
import { Icon } from '../ui/icon.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { currentPage, ProviderButton } from './provider-button.tsx';
import { fetchWith, type Lapsed, signIn } from './session.ts';

/** Without a token: it asks only how people sign in. */
const api = createApi(BASE_PATH, (input, init) => fetch(input, init));

const LAPSED: Record<NonNullable<Lapsed>, string> = {
  token: 'Your token has expired or was revoked. Sign in with another one.',
  session: 'Your session has ended. Ask the administrator for a sign-in link, or paste a token.',
};
const INPUT_LOST = ' What you typed was not saved: please enter it again.';
/** Characters that a header may carry, up to the size that the server reads. Any other text is no token. */
const SENDABLE = /^[\x21-\x7e]{1,8192}$/;
/** Line breaks are allowed between these only: browsers would break after the dashes of an option. */
const COMMAND = ['npm run tokens -- create', '--name "Front desk"', '--organizations 123', '--scope sync'];

export interface SignInCardProps {
  lapsed: Lapsed;
  isInputLost: boolean;
}

export function SignInCard({ lapsed, isInputLost }: SignInCardProps) {
  const [text, setText] = useState('');
  const [isAsking, setIsAsking] = useState(false);
  const [refusal, setRefusal] = useState(lapsed && `${LAPSED[lapsed]}${isInputLost ? INPUT_LOST : ''}`);
  const input = useRef<HTMLInputElement>(null);
  const ids = { input: useId(), hint: useId(), refusal: useId() };
  useDocumentTitle('Sign in');
  useEffect(() => input.current?.focus(), []);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (isAsking) return;
    setIsAsking(true);
    setRefusal(await refusalOf(text.trim()));
    setIsAsking(false);
  };
  return (
    <>
      <PageHeader />
      <main className="page sign-in">
        <form className="card" onSubmit={submit} noValidate>
          <h1>This server asks for an access token</h1>
          <ProviderButton api={api} returnTo={currentPage()} />
          <div className="field">
            <label htmlFor={ids.input}>Access token</label>
            <input
              ref={input}
              id={ids.input}
              type="password"
              autoComplete="off"
              spellCheck={false}
              value={text}
              aria-describedby={`${ids.refusal} ${ids.hint}`}
              aria-invalid={refusal !== null}
              onChange={(change) => {
                setText(change.target.value);
                setRefusal(null);
              }}
            />
            <p id={ids.refusal} className="hint hint-bad" role="alert">
              {refusal}
            </p>
          </div>
          <button type="submit" className="btn btn-primary" aria-disabled={isAsking}>
            <Icon name="key" />
            {isAsking ? 'Checking the token…' : 'Sign in'}
          </button>
          <HowToGetToken id={ids.hint} />
        </form>
      </main>
    </>
  );
}

function HowToGetToken({ id }: { id: string }) {
  return (
    <div id={id} className="hint">
      <p>The administrator of the server creates one for you:</p>
      <code>
        {COMMAND.map((part) => (
          <span key={part}>{`${part} `}</span>
        ))}
      </code>
      <p>It stays in this tab, and is deleted when you close it.</p>
      <p>A sign-in link of the administrator keeps this browser signed in, without a token.</p>
    </div>
  );
}

/** Opens the sign-in card when there is no session. */
async function refusalOf(token: string): Promise<string | null> {
  if (token === '') return 'Paste your access token first.';
  if (!SENDABLE.test(token))
    return 'This is not a token: it has spaces or characters that tokens do not have.';
  try {
    await createApi(BASE_PATH, fetchWith(token)).organizations();
  } catch (error) {
    return messageOf(error);
  }
  signIn(token);
  return null;
}
