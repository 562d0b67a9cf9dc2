/** The oracle over runs: what the events of an organization say about each of its runs, and what its rows say. */
import { z } from 'zod';
import { logTextOf } from '../test/support/sent-event.ts';
import type { Findings } from './findings.ts';

const DENSE = 'the events of an organization are numbered without a gap';
const ENDS_ONCE = 'a run starts once, ends once, and does not change after its end';
const PERCENT = 'the percent of a run never goes back';
const COUNTS = 'processed = stored + failed in each event';
const ROW = 'the row of a run equals its last event';
const ONE_AT_A_TIME = 'an organization has one run at a time';

/** A row of `sync_logs` as clients get it. */
export const RunLog = z.object({
  id: z.int(),
  status: z.string(),
  records_processed: z.int(),
  records_success: z.int(),
  records_failed: z.int(),
  metadata: z.object({ progress_percent: z.number() }),
});
type RunLog = z.infer<typeof RunLog>;

const Envelope = z.object({ type: z.string(), seq: z.int(), log: RunLog });

/**
 * @param envelopes all events of the organization, in order
 * @param rows its rows of `sync_logs` as clients get them, when nothing runs any more
 */
export function checkRuns(
  findings: Findings,
  organizationId: number,
  envelopes: readonly string[],
  rows: readonly string[],
): void {
  const where = (log: RunLog, seq: number) => `run ${log.id} of organization ${organizationId}, event ${seq}`;
  const lasts = new Map<number, RunLog>();
  const texts = new Map<number, string>();
  let open: number | undefined;
  for (const [index, text] of envelopes.entries()) {
    const { type, seq, log } = Envelope.parse(JSON.parse(text));
    findings.expect(DENSE, seq === index + 1, () => `${seq} at place ${index + 1} of ${organizationId}`);
    const before = lasts.get(log.id);
    const isFirst = type === 'started';
    const isRight = isFirst ? before === undefined : before !== undefined && before.status === 'running';
    findings.expect(ENDS_ONCE, isRight, () => `${where(log, seq)}: ${type} after ${before?.status}`);
    if (isFirst)
      findings.expect(ONE_AT_A_TIME, open === undefined, () => `${where(log, seq)}: beside ${open}`);
    open = log.status === 'running' ? log.id : undefined;
    const percent = before?.metadata.progress_percent ?? 0;
    findings.expect(
      PERCENT,
      log.metadata.progress_percent >= percent,
      () => `${where(log, seq)}: ${log.metadata.progress_percent} after ${percent}`,
    );
    findings.expect(
      COUNTS,
      log.records_processed === log.records_success + log.records_failed,
      () => `${where(log, seq)}: ${log.records_processed} ≠ ${log.records_success} + ${log.records_failed}`,
    );
    lasts.set(log.id, log);
    texts.set(log.id, logTextOf(text));
  }
  compareRows(findings, organizationId, texts, rows);
}

function compareRows(
  findings: Findings,
  organizationId: number,
  lasts: ReadonlyMap<number, string>,
  rows: readonly string[],
): void {
  const known = new Set<number>();
  for (const row of rows) {
    const { id, status } = RunLog.parse(JSON.parse(row));
    known.add(id);
    findings.expect(ROW, lasts.get(id) === row, () => `${row} ≠ ${lasts.get(id)}`);
    const where = () => `run ${id} of organization ${organizationId} still runs`;
    findings.expect(ENDS_ONCE, status !== 'running', where);
  }
  for (const id of lasts.keys())
    findings.expect(ROW, known.has(id), () => `run ${id} of organization ${organizationId} has no row`);
}
