/**
 * What every page stands in: React's checks, a component library that keeps to our Content-Security-Policy, and the
 * question for a token where the server has accounts.
 */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { type ReactNode, StrictMode, useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';
import { useSession } from '../auth/session.ts';
import { loadOnDemand } from './load-on-demand.tsx';

const SignInCard = loadOnDemand(() =>
  import('../auth/sign-in-card.tsx').then(({ SignInCard: loaded }) => loaded),
);

export function showPage(page: ReactNode): void {
  const root = document.getElementById('root');
  if (root === null) throw new Error('The page has no element with the id "root".');
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>
        <Gate>{page}</Gate>
      </CSPProvider>
    </StrictMode>,
  );
}

/** While a token is asked for there is no page, so nothing that it has shown or watched stays behind. */
function Gate({ children }: { children: ReactNode }) {
  const session = useSession();
  useFocusAfter(session.kind === 'asked');
  return session.kind === 'asked' ? <SignInCard hasLapsed={session.hasLapsed} /> : children;
}

/** The field that had the focus goes with its form: whoever signs in by keyboard goes on where the page begins. */
function useFocusAfter(isAsked: boolean): void {
  const wasAsked = useRef(isAsked);
  useEffect(() => {
    const main = wasAsked.current && !isAsked ? document.querySelector('main') : null;
    wasAsked.current = isAsked;
    main?.setAttribute('tabindex', '-1');
    main?.focus();
  }, [isAsked]);
}
