/** Takes a whole list out of the page: its ids to the clipboard, or its entries as a CSV file. */
import { useState } from 'react';
import { formatCount } from '#contract/count.ts';
import type { CheckReason } from '#contract/patients-to-check.ts';
import { type Api, ApiError } from '../api.ts';

/** The most that the server gives at once. */
const IDS_AT_ONCE = 1_000;

export interface ExportListProps {
  api: Api;
  organizationId: number;
  reason: CheckReason;
}

export function ExportList({ api, organizationId, reason }: ExportListProps) {
  const [words, setWords] = useState('');
  const take = (taken: Promise<string>): void => {
    setWords('Reading…');
    taken.catch(failureWords).then(setWords);
  };
  return (
    <>
      <button
        type="button"
        className="btn btn-small"
        onClick={() => take(copyIds(allIds(api, organizationId, reason)))}
      >
        Copy ids
      </button>
      <button
        type="button"
        className="btn btn-small"
        onClick={() => take(saveFile(api, organizationId, reason))}
      >
        Save as CSV
      </button>
      <span className="soft taken" role="status">
        {words}
      </span>
    </>
  );
}

async function allIds(api: Api, organizationId: number, reason: CheckReason): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null | undefined; after !== null; ) {
    const query = { limit: IDS_AT_ONCE, ...(after !== undefined && { after }) };
    const { patients, next } = await api.listToCheck(organizationId, reason, query);
    ids.push(...patients.flatMap(({ cliniko_patient_id: id }) => id ?? []));
    after = next;
  }
  return ids;
}

/** Browsers write to the clipboard only right after a press: the text may come later when the promise is given at once. */
async function copyIds(reading: Promise<string[]>): Promise<string> {
  // Older types and plain HTTP have none.
  if (!('clipboard' in navigator)) {
    await reading;
    return 'This browser copies only on pages with HTTPS. Take the CSV file.';
  }
  const text = reading.then((ids) => new Blob([ids.join('\n')], { type: 'text/plain' }));
  await navigator.clipboard.write([new ClipboardItem({ 'text/plain': text })]);
  const count = (await reading).length;
  return `${formatCount(count)} ${count === 1 ? 'id' : 'ids'} copied.`;
}

async function saveFile(api: Api, organizationId: number, reason: CheckReason): Promise<string> {
  const file = await api.fileToCheck(organizationId, reason);
  const address = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = address;
  link.download = `patients-to-check-${organizationId}-${reason.toLowerCase()}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
  return 'Saved.';
}

function failureWords(error: unknown): string {
  if (error instanceof ApiError) return error.message;
  if (error instanceof DOMException) return 'The browser did not allow the copy. Take the CSV file.';
  throw error;
}
