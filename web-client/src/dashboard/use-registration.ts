/**
 * Whether an organization exists, and its settings. An unregistered organization may still have runs of other
 * programs.
 */
import { useEffect, useReducer, useState } from 'react';
import type { Organization } from '#contract/organization.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Api, ApiError, messageOf } from '../api.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { versionOf } from './use-records.ts';

export type Registration =
  | { kind: 'unknown' }
  | { kind: 'registered'; organization: Organization }
  | { kind: 'not-registered' };

export interface WatchedRegistration {
  registration: Registration;
  /** Why the last read failed; what is known stays. */
  error: string | null;
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
  const [error, setError] = useState<string | null>(null);
  const [asked, readAgain] = useReducer((times: number) => times + 1, 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` and `version` are not read, they are the reasons to read again.
  useEffect(() => {
    return whileCurrent(
      readRegistration(api, organizationId),
      (read) => {
        setRegistration(read);
        setError(null);
      },
      (failure) => setError(messageOf(failure)),
    );
  }, [api, organizationId, asked, version]);
  return { registration, error, readAgain };
}

async function readRegistration(api: Api, organizationId: number): Promise<Registration> {
  try {
    return { kind: 'registered', organization: await api.organization(organizationId) };
  } catch (error) {
    if (error instanceof ApiError && error.code === 'ORGANIZATION_NOT_FOUND')
      return { kind: 'not-registered' };
    throw error;
  }
}

/** Of the clinic; null while it is not known. */
export function timeZoneOf(registration: Registration): string | null {
  return registration.kind === 'registered' ? registration.organization.time_zone : null;
}

export function nameOf(registration: Registration, organizationId: number): string {
  const fallback = `Organization ${organizationId}`;
  return registration.kind === 'registered' ? (registration.organization.name ?? fallback) : fallback;
}
