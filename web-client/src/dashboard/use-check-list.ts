/** The patients of one reason, read page by page. */
import { useCallback, useEffect, useState } from 'react';
import type { CheckReason, PatientsToCheckPage, PatientToCheck } from '#contract/patients-to-check.ts';
import { type Api, messageOf } from '../api.ts';

export interface CheckList {
  /** Null until they have been read. */
  patients: readonly PatientToCheck[] | null;
  hasMore: boolean;
  isReading: boolean;
  error: string | null;
  readMore(): void;
  readAgain(): void;
}

interface Read {
  patients: PatientToCheck[] | null;
  next: string | null;
  isReading: boolean;
  error: string | null;
}

const NOTHING_YET: Read = { patients: null, next: null, isReading: true, error: null };

const SHOWN_AT_FIRST = 50;
/** A person who wants more wants many. */
const SHOWN_MORE = 200;

export interface CheckListOptions {
  organizationId: number;
  reason: CheckReason;
  /** A list that is not shown is not read. */
  isShown: boolean;
  /** The list is read again when it changes. */
  version: number;
}

export function useCheckList(api: Api, options: CheckListOptions): CheckList {
  const { organizationId, reason, isShown, version } = options;
  const [read, setRead] = useState(NOTHING_YET);
  const [asked, setAsked] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` and `asked` are not read, they are reasons to read again.
  useEffect(() => {
    if (!isShown) return;
    let isCurrent = true;
    setRead((before) => ({ ...before, isReading: true }));
    api
      .listToCheck(organizationId, reason, { limit: SHOWN_AT_FIRST })
      .then((page): Read => ({ ...page, isReading: false, error: null }))
      .catch((error: unknown): Read => ({ ...NOTHING_YET, isReading: false, error: messageOf(error) }))
      .then((result) => isCurrent && setRead(result));
    return () => {
      isCurrent = false;
    };
  }, [api, organizationId, reason, isShown, version, asked]);

  const { next } = read;
  const readMore = useCallback((): void => {
    if (next === null) return;
    setRead((before) => ({ ...before, isReading: true, error: null }));
    api.listToCheck(organizationId, reason, { limit: SHOWN_MORE, after: next }).then(
      (page) => setRead((before) => appended(before, next, page)),
      (error: unknown) => setRead((before) => ({ ...before, isReading: false, error: messageOf(error) })),
    );
  }, [api, organizationId, reason, next]);
  const readAgain = useCallback(() => setAsked((times) => times + 1), []);
  const { patients, isReading, error } = read;
  return { patients, hasMore: next !== null, isReading, error, readMore, readAgain };
}

/** Ignores an answer that belongs to an earlier list. */
function appended(before: Read, asked: string, page: PatientsToCheckPage): Read {
  if (before.next !== asked || before.patients === null) return { ...before, isReading: false };
  return { patients: [...before.patients, ...page.patients], next: page.next, isReading: false, error: null };
}
