/** Values that many answers of the old service hold, and its answer to a wrong request. */
import { z } from 'zod';
import { SyncLog, SyncStep } from '#contract/sync-log.ts';

export const Time = z.iso.datetime();
export const Count = z.int().min(0);
export const Percent = z.number().min(0).max(100);
export const WholePercent = z.int().min(0).max(100);
export const Zero = z.literal(0);
export const Organization = z.int();

export const ProgressStatus = z.enum(['starting', 'running', 'completed', 'failed', 'cancelled']);
export const SyncId = z.string().regex(/^sync_\d+_\d{8}_\d{6}(_\d+)?$/);

/** A log, with the keys that old clients read in its metadata. */
export const Log = SyncLog.check(
  z.refine(
    ({ metadata }: SyncLog) => LogMetadata.safeParse(metadata).success,
    'lacks a key of the old metadata',
  ),
);
const LogMetadata = z.looseObject({
  progress_percent: Percent,
  step: SyncStep,
  patients_loaded: Count,
  patients_processed: Count,
  total_patients: Count,
  patients_to_store: Count,
  patients_deleted: Count,
  timestamp: Time,
});

export const Problem = z.object({ status: z.int(), code: z.string(), detail: z.string().min(1) });
