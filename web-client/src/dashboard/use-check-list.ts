/** The patients of one reason, read page by page. */
import { useCallback } from 'react';
import type { CheckReason, PatientToCheck } from '#contract/patients-to-check.ts';
import type { Api } from '../api.ts';
import { type PageReads, type PatientPages, usePatientPages } from './use-patient-pages.ts';

export type CheckList = PatientPages<PatientToCheck>;

const SHOWN_AT_FIRST = 50;
/** A person who wants more wants many. */
const SHOWN_MORE = 200;

export function useCheckList(
  api: Api,
  organizationId: number,
  reason: CheckReason,
  reads: PageReads,
): CheckList {
  const readPage = useCallback(
    (after?: string) =>
      api.listToCheck(
        organizationId,
        reason,
        after === undefined ? { limit: SHOWN_AT_FIRST } : { limit: SHOWN_MORE, after },
      ),
    [api, organizationId, reason],
  );
  return usePatientPages(readPage, reads);
}
