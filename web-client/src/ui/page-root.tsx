/**
 * The root of every page: React's strict mode, a component library that follows our Content-Security-Policy, and the
 * sign-in card where the server has accounts.
 */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { type ReactNode, StrictMode, useEffect, useRef } from 'react';
import { createRoot } from 'react-dom/client';
import { createApi } from '../api.ts';
import { useReadAccount } from '../auth/rights.ts';
import { sessionFetch, useSession } from '../auth/session.ts';
import { BASE_PATH } from '../base-path.ts';
import { loadWholePage } from './load-on-demand.tsx';
import { restoreScroll } from './restore-scroll.ts';

const SignInCard = loadWholePage(() =>
  import('../auth/sign-in-card.tsx').then(({ SignInCard: loaded }) => loaded),
);

/** A page that needs an account where the server has accounts. */
export function showPage(page: ReactNode): void {
  showOpenPage(<Gate>{page}</Gate>);
}

export function showOpenPage(page: ReactNode): void {
  const root = document.getElementById('root');
  if (root === null) throw new Error('The page has no element with the id "root".');
  restoreScroll();
  createRoot(root).render(
    <StrictMode>
      <CSPProvider disableStyleElements>{page}</CSPProvider>
    </StrictMode>,
  );
}

const api = createApi(BASE_PATH, sessionFetch);

/** During sign-in the page is unmounted, so its data and its watches are gone. */
function Gate({ children }: { children: ReactNode }) {
  const session = useSession();
  useReadAccount(api, session);
  useFocusAfter(session.kind === 'asked');
  return session.kind === 'asked' ? <SignInCard {...session} /> : children;
}

/** The focused field goes with its form: after signing in by keyboard the focus moves to the start of the page. */
function useFocusAfter(isAsked: boolean): void {
  const wasAsked = useRef(isAsked);
  useEffect(() => {
    const main = wasAsked.current && !isAsked ? document.querySelector('main') : null;
    wasAsked.current = isAsked;
    main?.setAttribute('tabindex', '-1');
    // The header of the page stays in view.
    main?.focus({ preventScroll: true });
  }, [isAsked]);
}
