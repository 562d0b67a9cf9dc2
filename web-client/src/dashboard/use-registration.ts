/**
 * Whether an organization exists, and its settings. An unregistered organization may still have runs of other
 * programs.
 */
import { useCallback, useEffect, useState } from 'react';
import type { Organization } from '#contract/organization.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, ApiError } from '../api.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { versionOf } from './use-records.ts';

export type Registration =
  | { kind: 'unknown' }
  | { kind: 'registered'; organization: Organization }
  | { kind: 'not-registered' };

export interface WatchedRegistration {
  registration: Registration;
  readAgain(): void;
}

/** @param latest run: its start and its end move the next sync */
export function useRegistration(
  api: Api,
  organizationId: number,
  latest: SyncLog | null = null,
): WatchedRegistration {
  const version = versionOf(latest);
  const [registration, setRegistration] = useState<Registration>({ kind: 'unknown' });
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` and `version` are not read, they are the reasons to read again.
  useEffect(() => {
    return whileCurrent(
      api.organization(organizationId),
      (organization) => setRegistration({ kind: 'registered', organization }),
      (error) => {
        // Any other failure keeps what is known.
        if (error instanceof ApiError && error.code === 'ORGANIZATION_NOT_FOUND')
          setRegistration({ kind: 'not-registered' });
      },
    );
  }, [api, organizationId, asked, version]);
  return { registration, readAgain: useCallback(() => setAsked((times) => times + 1), []) };
}

/** Of the clinic; null while it is not known. */
export function timeZoneOf(registration: Registration): string | null {
  return registration.kind === 'registered' ? registration.organization.time_zone : null;
}

export function nameOf(registration: Registration, organizationId: number): string {
  const fallback = `Organization ${organizationId}`;
  return registration.kind === 'registered' ? (registration.organization.name ?? fallback) : fallback;
}
