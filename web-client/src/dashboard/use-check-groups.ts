/** How many patients a person has to look at, by reason. */
import { useEffect, useReducer, useState } from 'react';
import type { PatientsToCheck } from '#contract/patients-to-check.ts';
import { type Api, messageOf } from '../api.ts';
import { whileCurrent } from '../hooks/while-current.ts';
import { hasReadNothing } from './check-words.ts';

export interface CheckGroups {
  /** Null until they have been read. */
  groups: PatientsToCheck['groups'] | null;
  /** Nothing has been read from Cliniko: an empty list says nothing about its patients. */
  isEmpty: boolean;
  error: string | null;
  /** Changes when the lists have to be read again. */
  version: number;
  readAgain(): void;
}

type Read = Pick<CheckGroups, 'groups' | 'isEmpty' | 'error'>;

const NOTHING_YET: Read = { groups: null, isEmpty: false, error: null };

export function useCheckGroups(api: Api, organizationId: number): CheckGroups {
  const [read, setRead] = useState(NOTHING_YET);
  const [version, readAgain] = useReducer((times: number) => times + 1, 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` is not read, it is the reason to read again.
  useEffect(() => {
    return whileCurrent(readGroups(api, organizationId), setRead, (error) =>
      setRead((before) => ({ ...before, error: messageOf(error) })),
    );
  }, [api, organizationId, version]);
  return { ...read, version, readAgain };
}

async function readGroups(api: Api, organizationId: number): Promise<Read> {
  const { groups } = await api.patientsToCheck(organizationId);
  const isEmpty = groups.length === 0 && hasReadNothing(await api.summary(organizationId));
  return { groups, isEmpty, error: null };
}
