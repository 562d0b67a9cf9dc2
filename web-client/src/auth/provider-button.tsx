/** The way to the identity provider, where the server has one. */
import { useEffect, useState } from 'react';
import { type Api, messageOf } from '../api.ts';
import { BASE_PATH } from '../base-path.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { Icon } from '../ui/icon.tsx';

export interface ProviderButtonProps {
  api: Api;
  /** The page that opens after the sign-in. */
  returnTo: string;
}

export function ProviderButton({ api, returnTo }: ProviderButtonProps) {
  const provider = useProvider(api);
  const [isAsking, setIsAsking] = useState(false);
  const [refusal, setRefusal] = useState<string | null>(null);
  if (provider === null) return null;
  const begin = (): void => {
    if (isAsking) return;
    setIsAsking(true);
    setRefusal(null);
    api.signInAtProvider(returnTo).then(
      (location) => window.location.assign(location),
      (error: unknown) => {
        setRefusal(messageOf(error));
        setIsAsking(false);
      },
    );
  };
  return (
    <div>
      <button type="button" className="btn btn-primary" aria-disabled={isAsking} onClick={begin}>
        <Icon name="key" />
        {isAsking ? 'Opening…' : `Sign in with ${provider}`}
      </button>
      <p className="hint hint-bad" role="alert">
        {refusal}
      </p>
    </div>
  );
}

/** @returns null until the server has answered, and where it has no provider */
function useProvider(api: Api): string | null {
  const [provider, setProvider] = useState<string | null>(null);
  // Without an answer a link or a token still signs in.
  useEffect(() => whileCurrent(api.identityProvider(), setProvider), [api]);
  return provider;
}

/** The page that is open now, in the form that the server accepts; any other address leads to the start page. */
export function currentPage(): string {
  const page = `${window.location.pathname.slice(BASE_PATH.length)}${window.location.search}`;
  return /^\/(ops)?(\?[\w=&%.-]{0,490})?$/.test(page) ? page : '/';
}
