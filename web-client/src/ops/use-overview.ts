/**
 * The overview of every organization, read page by page: at the start, after a run has started or ended, and at an interval,
 * because time alone makes an organization late. A server that needs long for it is asked less often.
 */
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Api } from '../api.ts';
import type { EverythingState } from '../live/everything-state.ts';
import type { OverviewRows } from './rows.ts';

const NO_ROWS: OverviewRows = new Map();
const EVERY_MS = 30_000;
const SOON_MS = 1_000;
/** The pause after a read, as a multiple of its duration. */
const REST = 5;

export interface WatchedOverview {
  overview: OverviewRows;
  /** Soon, when something has changed that the stream does not tell. */
  readAgain(): void;
}

export function useOverview(api: Api, everything: EverythingState): WatchedOverview {
  const [rows, setRows] = useState(NO_ROWS);
  const wake = useRef(() => {});
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isReading = false;
    let isWanted = false;
    let isCurrent = true;
    let restMs = SOON_MS;
    const schedule = (ms: number): void => {
      clearTimeout(timer);
      timer = setTimeout(() => void read(), ms);
    };
    const read = async (): Promise<void> => {
      const began = performance.now();
      isReading = true;
      isWanted = false;
      // Without it the console shows what the stream says; the next read tries again.
      const next = await readAll(api).catch(() => undefined);
      isReading = false;
      if (!isCurrent) return;
      if (next !== undefined) setRows(next);
      restMs = Math.max(SOON_MS, (performance.now() - began) * REST);
      schedule(isWanted ? restMs : Math.max(EVERY_MS, restMs));
    };
    wake.current = () => {
      isWanted = true;
      if (!isReading) schedule(restMs);
    };
    void read();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [api]);

  const ends = endsOf(everything);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a start or an end is the reason to read again.
  useEffect(() => wake.current(), [ends]);
  return { overview: rows, readAgain: useCallback(() => wake.current(), []) };
}

/** Changes when a run starts or ends. */
function endsOf(everything: EverythingState): string {
  let sum = 0;
  for (const { log } of everything.values())
    if (log !== null) sum += log.id * 2 + Number(log.status === 'running');
  return `${everything.size} ${sum}`;
}

async function readAll(api: Api): Promise<OverviewRows> {
  const rows = new Map<number, Awaited<ReturnType<Api['overview']>>['organizations'][number]>();
  for (let after: number | null = 0; after !== null; ) {
    const page: Awaited<ReturnType<Api['overview']>> = await api.overview(after);
    for (const row of page.organizations) rows.set(row.organization_id, row);
    after = page.next;
  }
  return rows;
}
