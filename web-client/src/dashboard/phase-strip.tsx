/**
 * The phases of a run side by side. The first three overlap, so each has its own bar: pages fetched, patients read,
 * patients stored. At the end each shows its duration. The last one begins when the pages are stored.
 */

import { formatCount } from '#contract/count.ts';
import { isCancelled } from '#contract/progress.ts';
import type { SyncLog, SyncPhase } from '#contract/sync-log.ts';
import { Icon, type IconName } from '../ui/icon.tsx';

/** `partial`: done, with patients that could not be stored. */
type PartState = 'idle' | 'active' | 'waiting' | 'done' | 'partial' | 'stopped';

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

const AT_WORK: Record<'fetch' | 'process' | 'store' | 'check', readonly SyncPhase[]> = {
  fetch: ['fetching', 'storing', 'waiting'],
  process: ['storing'],
  store: ['storing'],
  check: ['finishing'],
};

export interface PhaseStripProps {
  /** Null: no run yet. */
  log: SyncLog | null;
  /** False: whether there is a run is not known yet. */
  isKnown?: boolean;
}

export function PhaseStrip({ log, isKnown = true }: PhaseStripProps) {
  return (
    <ol className="phases" aria-label="Phases">
      {(log === null ? NO_RUN : partsOf(log)).map((part) => (
        <li key={part.name} className="phase" data-state={log === null ? 'idle' : stateOf(part, log)}>
          <p className="phase-name">
            <Icon name={part.icon} />
            {part.name}
            {part.took !== undefined && <span className="phase-took">{part.took}</span>}
          </p>
          <p className="phase-text">{isKnown ? part.text : '\u00a0'}</p>
          <span className="phase-bar" aria-hidden="true">
            <span style={{ width: `${part.share * 100}%` }} />
          </span>
        </li>
      ))}
    </ol>
  );
}

const NO_RUN: readonly Part[] = [
  { name: 'Fetch', icon: 'signal', text: 'No page yet', share: 0, took: undefined, isAtWork: false },
  { name: 'Process', icon: 'people', text: 'None read yet', share: 0, took: undefined, isAtWork: false },
  { name: 'Store', icon: 'disk', text: 'None stored yet', share: 0, took: undefined, isAtWork: false },
  { name: 'Check', icon: 'search', text: 'Not checked yet', share: 0, took: undefined, isAtWork: false },
];

function partsOf(log: SyncLog): Part[] {
  const { current_page = 0, total_pages = 0, patients_found = 0, performance_metrics } = log.metadata;
  const isAtWork = (part: keyof typeof AT_WORK) => AT_WORK[part].includes(log.metadata.phase ?? 'storing');
  return [
    {
      name: 'Fetch',
      icon: 'signal',
      share: shareOf(current_page, total_pages),
      text: fetchedText(log),
      took: performance_metrics?.api_fetch_time,
      isAtWork: isAtWork('fetch'),
    },
    {
      name: 'Process',
      icon: 'people',
      share: shareOf(log.records_processed, patients_found),
      text: readText(log.records_processed, patients_found ?? 0),
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
    {
      name: 'Check',
      icon: 'search',
      // How much is left to check is not known.
      share: log.status === 'completed' ? 1 : 0,
      text: checkedText(log),
      took: undefined,
      isAtWork: isAtWork('check'),
    },
  ];
}

/** Whether a patient may be missing. */
function checkedText({ status, operation_type, metadata }: SyncLog): string {
  const { phase, proof, missing_held: held, missing_marked: marked } = metadata;
  if (status === 'running') return phase === 'finishing' ? 'Is a patient missing?' : 'Not checked yet';
  if (status === 'failed') return 'Not checked';
  if (held) return `${formatCount(held)} held`;
  if (marked) return `${formatCount(marked)} missing`;
  if (operation_type === 'changed_patients') return 'Changes only';
  return proof?.proven === true ? 'All were seen' : 'Not proven';
}

/** Without a total there is none in the text. */
function ofTotal(words: string, count: number, total: number): string | undefined {
  if (count === 0) return undefined;
  return total > 0 ? `${words} of ${formatCount(total)}` : words;
}

function fetchedText({ metadata: { phase, current_page = 0, total_pages = 0 } }: SyncLog): string {
  if (phase === 'finishing' && total_pages > 1) return `All ${formatCount(total_pages)} pages`;
  return ofTotal(`Page ${formatCount(current_page)}`, current_page, total_pages) ?? 'No page yet';
}

function readText(count: number, found: number): string {
  const words = ofTotal(formatCount(count), count, found);
  return words === undefined ? 'None read yet' : `${words} read`;
}

function storedText({ records_success, records_failed, records_processed }: SyncLog): string {
  if (records_processed === 0) return 'None stored yet';
  const stored = `${formatCount(records_success)} stored`;
  return records_failed === 0 ? stored : `${stored}, ${formatCount(records_failed)} not`;
}

function stateOf(part: Part, log: SyncLog): PartState {
  const { status, metadata } = log;
  if (status === 'completed') return part.name === 'Store' && log.records_failed > 0 ? 'partial' : 'done';
  if (status === 'failed') return part.share >= 1 ? 'done' : isCancelled(log) ? 'idle' : 'stopped';
  if (part.share >= 1) return 'done';
  if (metadata.phase === 'finishing' && part.name !== 'Check') return 'partial';
  return activeState(part, metadata.phase);
}

function activeState({ isAtWork }: Part, phase: SyncPhase | undefined): PartState {
  if (!isAtWork) return 'idle';
  return phase === 'waiting' ? 'waiting' : 'active';
}

function shareOf(part: number, whole: number): number {
  return whole > 0 ? Math.min(1, part / whole) : 0;
}
