/**
 * What every page stands in: React's checks, a component library that keeps to our Content-Security-Policy, and the
 * question for a token where the server has accounts.
 */
import { CSPProvider } from '@base-ui/react/csp-provider';
import { type ReactNode, StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { useSession } from './session.ts';
import { whenWanted } from './when-wanted.tsx';

const SignInCard = whenWanted(() => import('./sign-in-card.tsx').then(({ SignInCard: loaded }) => loaded));

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
  return session.kind === 'asked' ? <SignInCard hasLapsed={session.hasLapsed} /> : children;
}
