/** Retries the patients in quarantine. */
import { useCallback, useState } from 'react';
import type { QuarantineRetry } from '#contract/patients.ts';
import { type Api, ApiError, messageOf } from '../api.ts';

export type RetryOutcome =
  | { kind: 'none' }
  | { kind: 'asking' }
  | { kind: 'done'; result: QuarantineRetry }
  /** An older server without this route. */
  | { kind: 'unavailable' }
  | { kind: 'refused'; message: string };

export interface Retry {
  outcome: RetryOutcome;
  begin(): void;
}

export function useRetry(api: Api, organizationId: number, onRetried: () => void): Retry {
  const [outcome, setOutcome] = useState<RetryOutcome>({ kind: 'none' });
  const isAsking = outcome.kind === 'asking';
  const begin = useCallback((): void => {
    if (isAsking) return;
    setOutcome({ kind: 'asking' });
    api.retryQuarantine(organizationId).then(
      (result) => {
        setOutcome({ kind: 'done', result });
        onRetried();
      },
      (error: unknown) => setOutcome(outcomeOf(error)),
    );
  }, [api, organizationId, onRetried, isAsking]);
  return { outcome, begin };
}

function outcomeOf(error: unknown): RetryOutcome {
  const isAbsent = error instanceof ApiError && (error.code === 'NOT_FOUND' || error.status === 405);
  return isAbsent ? { kind: 'unavailable' } : { kind: 'refused', message: messageOf(error) };
}
