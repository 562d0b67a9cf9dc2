/**
 * The three phases of a run side by side. They overlap, so each has its own bar: pages fetched, patients read,
 * patients stored. At the end each shows its duration.
 */

import { isCancelled } from '#contract/progress.ts';
import type { SyncLog, SyncPhase } from '#contract/sync-log.ts';
import { formatCount } from '../ui/format.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

type PartState = 'idle' | 'active' | 'waiting' | 'done' | 'stopped';

interface Part {
  name: string;
  icon: IconName;
  /** 0 to 1. */
  share: number;
  text: string;
  /** "1m 45s", once the run has ended. */
  took: string | undefined;
  isAtWork: boolean;
}

const AT_WORK: Record<'fetch' | 'process' | 'store', readonly SyncPhase[]> = {
  fetch: ['fetching', 'storing', 'waiting'],
  process: ['storing'],
  store: ['storing', 'finishing'],
};

export function PhaseStrip({ log }: { log: SyncLog }) {
  return (
    <ol className="phases" aria-label="Phases">
      {partsOf(log).map((part) => (
        <li key={part.name} className="phase" data-state={stateOf(part, log)}>
          <p className="phase-name">
            <Icon name={part.icon} />
            {part.name}
            {part.took !== undefined && <span className="phase-took">{part.took}</span>}
          </p>
          <p className="phase-text">{part.text}</p>
          <span className="phase-bar" aria-hidden="true">
            <span style={{ width: `${part.share * 100}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}

function partsOf(log: SyncLog): Part[] {
  const { current_page = 0, total_pages = 0, patients_found = 0, performance_metrics } = log.metadata;
  const isAtWork = (part: keyof typeof AT_WORK) => AT_WORK[part].includes(log.metadata.phase ?? 'storing');
  return [
    {
      name: 'Fetch',
      icon: 'signal',
      share: shareOf(current_page, total_pages),
      text:
        current_page > 0 ? `Page ${formatCount(current_page)} of ${formatCount(total_pages)}` : 'No page yet',
      took: performance_metrics?.api_fetch_time,
      isAtWork: isAtWork('fetch'),
    },
    {
      name: 'Process',
      icon: 'people',
      share: shareOf(log.records_processed, patients_found),
      text: `${formatCount(log.records_processed)} of ${formatCount(patients_found)} read`,
      took: performance_metrics?.processing_time,
      isAtWork: isAtWork('process'),
    },
    {
      name: 'Store',
      icon: 'disk',
      share: shareOf(log.records_success, patients_found),
      text: storedText(log),
      took: performance_metrics?.database_time,
      isAtWork: isAtWork('store'),
    },
  ];
}

function storedText({ records_success, records_failed }: SyncLog): string {
  const stored = `${formatCount(records_success)} stored`;
  return records_failed === 0 ? stored : `${stored}, ${formatCount(records_failed)} not`;
}

function stateOf({ share, isAtWork }: Part, log: SyncLog): PartState {
  const { status, metadata } = log;
  if (status === 'completed') return 'done';
  if (status === 'failed') return share >= 1 ? 'done' : isCancelled(log) ? 'idle' : 'stopped';
  if (share >= 1) return 'done';
  if (!isAtWork) return 'idle';
  return metadata.phase === 'waiting' ? 'waiting' : 'active';
}

function shareOf(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, part / whole) : 0;
}
