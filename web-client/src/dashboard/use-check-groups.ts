/** How many patients a person has to look at, by reason. */
import { useCallback, useEffect, useState } from 'react';
import type { PatientsToCheck } from '#contract/patients-to-check.ts';
import { type Api, messageOf } from '../api.ts';

export interface CheckGroups {
  /** Null until they have been read. */
  groups: PatientsToCheck['groups'] | null;
  error: string | null;
  /** Changes when the lists have to be read again. */
  version: number;
  readAgain(): void;
}

export function useCheckGroups(api: Api, organizationId: number): CheckGroups {
  const [read, setRead] = useState<Pick<CheckGroups, 'groups' | 'error'>>({ groups: null, error: null });
  const [version, setVersion] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` is not read, it is the reason to read again.
  useEffect(() => {
    let isCurrent = true;
    api.patientsToCheck(organizationId).then(
      ({ groups }) => isCurrent && setRead({ groups, error: null }),
      (error: unknown) => isCurrent && setRead((before) => ({ ...before, error: messageOf(error) })),
    );
    return () => {
      isCurrent = false;
    };
  }, [api, organizationId, version]);
  const readAgain = useCallback(() => setVersion((before) => before + 1), []);
  return { ...read, version, readAgain };
}
