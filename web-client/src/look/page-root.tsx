/**
 * What every page stands in: React's checks, a component library that keeps to our Content-Security-Policy, and the
 * question for a token where the server has accounts.
 */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { lazy, type ReactNode, StrictMode, Suspense } from 'react';
import { createRoot } from 'react-dom/client';
import { useSession } from './session.ts';

const SignInCard = lazy(() =>
  import('./sign-in-card.tsx').then(({ SignInCard: loaded }) => ({ default: loaded })),
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
  if (session.kind !== 'asked') return children;
  return (
    <Suspense>
      <SignInCard hasLapsed={session.hasLapsed} />
    </Suspense>
  );
}
