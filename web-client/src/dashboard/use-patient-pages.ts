/** A list of patients, read page by page. */
import { useCallback, useEffect, useReducer, useRef, useState } from 'react';
import { messageOf } from '../api.ts';

export interface PatientPages<Patient> {
  /** Null until they have been read. */
  patients: readonly Patient[] | null;
  hasMore: boolean;
  /** A list, or more of it. */
  isReading: boolean;
  /** The list is that of before: another one is being read. */
  isOld: boolean;
  error: string | null;
  readMore(): void;
  readAgain(): void;
}

interface Page<Patient> {
  patients: Patient[];
  next: string | null;
}

interface Read<Patient> {
  patients: Patient[] | null;
  next: string | null;
  isReading: boolean;
  isOld: boolean;
  error: string | null;
}

const NOTHING_YET = { patients: null, next: null, isReading: true, isOld: false, error: null };

export interface PageReads {
  /** A list that is not shown is not read. */
  isShown?: boolean;
  /** The list is read again when it changes. */
  version?: number;
  /** Before a new list is read. */
  delayMs?: number;
}

/** @param readPage another function: another list. It gets `next` of the previous page */
export function usePatientPages<Patient>(
  readPage: (after?: string) => Promise<Page<Patient>>,
  { isShown = true, version = 0, delayMs = 0 }: PageReads,
): PatientPages<Patient> {
  const [read, setRead] = useState<Read<Patient>>(NOTHING_YET);
  const [asked, readAgain] = useReducer((times: number) => times + 1, 0);
  const list = useRef(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `version` and `asked` are not read, they are reasons to read again.
  useEffect(() => {
    if (!isShown) return;
    let isCurrent = true;
    list.current += 1;
    setRead((before) => ({ ...before, isReading: true, isOld: true }));
    const timer = setTimeout(() => {
      readPage()
        .then(({ patients, next }) => ({ patients, next, isReading: false, isOld: false, error: null }))
        .catch((error: unknown) => ({ ...NOTHING_YET, isReading: false, error: messageOf(error) }))
        .then((result) => isCurrent && setRead(result));
    }, delayMs);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [readPage, isShown, version, asked, delayMs]);

  const { next } = read;
  const readMore = useCallback((): void => {
    if (next === null) return;
    setRead((before) => ({ ...before, isReading: true, error: null }));
    // An answer that belongs to an earlier list is ignored: it may continue where the new one does.
    const begun = list.current;
    const keep = (after: (before: Read<Patient>) => Read<Patient>): void => {
      if (list.current === begun) setRead(after);
    };
    readPage(next).then(
      (page) => keep((before) => appended(before, next, page)),
      (error: unknown) => keep((before) => ({ ...before, isReading: false, error: messageOf(error) })),
    );
  }, [readPage, next]);
  const { patients, isReading, isOld, error } = read;
  return { patients, hasMore: next !== null, isReading, isOld, error, readMore, readAgain };
}

/** Ignores an answer that was asked for twice. */
function appended<Patient>(before: Read<Patient>, asked: string, page: Page<Patient>): Read<Patient> {
  if (before.next !== asked || before.patients === null) return { ...before, isReading: false };
  const patients = [...before.patients, ...page.patients];
  return { patients, next: page.next, isReading: false, isOld: false, error: null };
}
