/** Patients of this run that could not be stored: by id and reason, never by name. */
import { useState } from 'react';
import { formatCount } from '#contract/count.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { useHandOverToEntries } from '../ui/restore-focus.ts';
import { addressOfCheck } from './address.ts';

/** Enough to see the kind of errors; the rest on request. */
const SHOWN_AT_FIRST = 6;

export interface RunErrorsProps {
  log: SyncLog;
  /** Closed, its height is the same with and without errors. */
  isOpen: boolean;
}

export function RunErrors({ log, isOpen }: RunErrorsProps) {
  const [isAll, setIsAll] = useState(false);
  const [list, more] = useHandOverToEntries<HTMLUListElement>();
  // A failed run carries its own reason there too, which is no patient's.
  const errors = (log.metadata.errors ?? []).filter((text) => text !== log.error_details);
  // Another program may count its errors without listing them.
  const total = Math.max(log.metadata.errors_total ?? log.records_failed, errors.length);
  if (errors.length === 0) return <NoneListed log={log} total={total} isOpen={isOpen} />;
  const shown = isAll ? errors : errors.slice(0, SHOWN_AT_FIRST);
  return (
    <details className="run-errors" open={isOpen}>
      <summary>
        {countWords(total)}
        {total > errors.length && <span className="soft"> · the newest {formatCount(errors.length)}</span>}
      </summary>
      <ul ref={list}>
        {counted(shown).map(([text, key]) => (
          <li key={key}>{text}</li>
        ))}
      </ul>
      {shown.length < errors.length && (
        <button ref={more} type="button" className="btn btn-small more" onClick={() => setIsAll(true)}>
          Show {errors.length - shown.length} more
        </button>
      )}
      <p>
        <a href={addressOfCheck(log.organization_id)}>All patients to check</a>
      </p>
    </details>
  );
}

/** A run that read no patient says nothing about errors of patients. */
function NoneListed({ log, total, isOpen }: RunErrorsProps & { total: number }) {
  if (total > 0) return <p className="run-errors soft">{countWords(total)}, without a recorded reason</p>;
  if (isOpen) return null;
  const hasRead = Math.max(log.records_processed, log.records_success) > 0;
  const unread = log.status === 'running' ? 'No patient was read yet' : 'No patient was read';
  return <p className="run-errors soft">{hasRead ? 'No patient had an error' : unread}</p>;
}

function countWords(total: number): string {
  return total === 1 ? '1 patient had an error' : `${formatCount(total)} patients had errors`;
}

/** The same text may occur twice, but keys must be unique. */
function counted(texts: readonly string[]): [text: string, key: string][] {
  const seen = new Map<string, number>();
  return texts.map((text) => {
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    return [text, `${text} ${times}`];
  });
}
