/** One list of the stored patients, filtered by a search and a state, with more pages on request. */
import { useCallback } from 'react';
import type { ListedPatient, PatientState } from '#contract/patients.ts';
import type { Api } from '../api.ts';
import { type PatientPages, usePatientPages } from './use-patient-pages.ts';

export interface PatientFilter {
  search: string;
  /** Undefined: all but missing and merged patients. */
  state?: PatientState;
}

/** Debounces the search, so that not every letter is a request. */
const TYPING_PAUSE_MS = 250;

export function usePatients(
  api: Api,
  organizationId: number,
  { search, state }: PatientFilter,
): PatientPages<ListedPatient> {
  const readPage = useCallback(
    (after?: string) =>
      api.patients(organizationId, { search, ...(state && { state }), ...(after && { after }) }),
    [api, organizationId, search, state],
  );
  return usePatientPages(readPage, { delayMs: TYPING_PAUSE_MS });
}
