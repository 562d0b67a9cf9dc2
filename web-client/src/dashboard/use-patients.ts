/** One list of the stored patients, filtered by a search and a state, with more pages on request. */
import { useCallback, useEffect, useState } from 'react';
import type { ListedPatient, PatientState } from '#contract/patients.ts';
import { type Api, messageOf } from '../api.ts';

export interface PatientFilter {
  search: string;
  /** Undefined: all but missing and merged patients. */
  state?: PatientState;
}

export interface Patients {
  /** Null until they have been read. */
  patients: readonly ListedPatient[] | null;
  hasMore: boolean;
  isReading: boolean;
  error: string | null;
  readMore(): void;
  readAgain(): void;
}

interface Read {
  patients: ListedPatient[] | null;
  next: string | null;
  isReading: boolean;
  error: string | null;
}

const EMPTY: Read = { patients: null, next: null, isReading: true, error: null };

/** Debounces the search, so that not every letter is a request. */
const TYPING_PAUSE_MS = 250;

export function usePatients(api: Api, organizationId: number, { search, state }: PatientFilter): Patients {
  const [read, setRead] = useState(EMPTY);
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is not read, it is the reason to read again.
  useEffect(() => {
    let isCurrent = true;
    setRead((before) => ({ ...before, isReading: true }));
    const timer = setTimeout(() => {
      api
        .patients(organizationId, { search, ...(state && { state }) })
        .then(({ patients, next }): Read => ({ patients, next, isReading: false, error: null }))
        .catch(
          (error: unknown): Read => ({ ...EMPTY, patients: [], isReading: false, error: messageOf(error) }),
        )
        .then((result) => isCurrent && setRead(result));
    }, TYPING_PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [api, organizationId, search, state, asked]);

  const { next } = read;
  const readMore = useCallback((): void => {
    if (next === null) return;
    setRead((before) => ({ ...before, isReading: true, error: null }));
    api.patients(organizationId, { search, ...(state && { state }), after: next }).then(
      (page) => setRead((before) => appended(before, next, page)),
      (error: unknown) => setRead((before) => ({ ...before, isReading: false, error: messageOf(error) })),
    );
  }, [api, organizationId, search, state, next]);

  const readAgain = useCallback(() => setAsked((times) => times + 1), []);

  return {
    patients: read.patients,
    hasMore: next !== null,
    isReading: read.isReading,
    error: read.error,
    readMore,
    readAgain,
  };
}

/** Ignores an answer to an earlier filter. */
function appended(
  before: Read,
  asked: string,
  page: { patients: ListedPatient[]; next: string | null },
): Read {
  if (before.next !== asked || before.patients === null) return { ...before, isReading: false };
  return { patients: [...before.patients, ...page.patients], next: page.next, isReading: false, error: null };
}
