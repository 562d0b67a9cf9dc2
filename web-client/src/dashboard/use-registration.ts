/**
 * Whether an organization exists, and its settings. An unregistered organization may still have runs of other
 * programs.
 */
import { useCallback, useEffect, useState } from 'react';
import type { Organization } from '#contract/organization.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, ApiError } from '../api.ts';
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
    let isCurrent = true;
    api
      .organization(organizationId)
      .then((organization): Registration => ({ kind: 'registered', organization }))
      .catch((error: unknown): Registration => {
        const isMissing = error instanceof ApiError && error.code === 'ORGANIZATION_NOT_FOUND';
        return { kind: isMissing ? 'not-registered' : 'unknown' };
      })
      // A read that failed later keeps what is known.
      .then((known) => isCurrent && setRegistration((before) => (known.kind === 'unknown' ? before : known)));
    return () => {
      isCurrent = false;
    };
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
