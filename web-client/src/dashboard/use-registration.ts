/**
 * Whether an organization exists, and its settings. An unregistered organization may still have runs of other
 * programs.
 */
import { useCallback, useEffect, useState } from 'react';
import type { Organization } from '#contract/organization.ts';
import { type Api, ApiError } from '../api.ts';

export type Registration =
  | { kind: 'unknown' }
  | { kind: 'registered'; organization: Organization }
  | { kind: 'not-registered' };

export interface WatchedRegistration {
  registration: Registration;
  readAgain(): void;
}

export function useRegistration(api: Api, organizationId: number): WatchedRegistration {
  const [registration, setRegistration] = useState<Registration>({ kind: 'unknown' });
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is not read, it is the reason to read again.
  useEffect(() => {
    let isCurrent = true;
    api
      .organization(organizationId)
      .then((organization): Registration => ({ kind: 'registered', organization }))
      .catch((error: unknown): Registration => {
        const isMissing = error instanceof ApiError && error.code === 'ORGANIZATION_NOT_FOUND';
        return { kind: isMissing ? 'not-registered' : 'unknown' };
      })
      .then((known) => isCurrent && setRegistration(known));
    return () => {
      isCurrent = false;
    };
  }, [api, organizationId, asked]);
  return { registration, readAgain: useCallback(() => setAsked((times) => times + 1), []) };
}

export function nameOf(registration: Registration, organizationId: number): string {
  const fallback = `Organization ${organizationId}`;
  return registration.kind === 'registered' ? (registration.organization.name ?? fallback) : fallback;
}
