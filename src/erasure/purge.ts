/** The optional purge: whom Cliniko has not had for so many days is erased. Off, unless the operator sets a number. */
import { appendAudit } from '../audit/append.ts';
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { repeat } from '../sync/repeat.ts';
import { erasePatients } from './erase.ts';

const EVERY_MS = 60 * 60_000;
const FIRST_AFTER_MS = 60_000;

/** @returns stops it */
export function startPurge(database: Database, afterDays: number, logger: Logger): () => void {
  let first = true;
  return repeat(
    () => {
      const delayMs = first ? FIRST_AFTER_MS : EVERY_MS;
      first = false;
      return delayMs * (0.5 + Math.random());
    },
    async () => {
      try {
        const purged = await purgeMissing(database, afterDays);
        if (purged > 0) logger.info(`Purged ${purged} patients who were missing for ${afterDays} days`);
      } catch (error) {
        logger.warn(safeError(error), 'Purging missing patients failed; it is tried again in an hour');
      }
    },
  );
}

/** Clinic by clinic, each with its audit entry. @returns how many patients were erased */
export async function purgeMissing({ sql }: Database, afterDays: number): Promise<number> {
  const clinics = await sql<{ id: number }[]>`
    select distinct organization_id as id from patients
    where missing_since < now() - make_interval(days => ${afterDays})`;
  let purged = 0;
  for (const { id } of clinics) {
    purged += await sql.begin(async (tx) => {
      const { patients } = await erasePatients(tx, id, { kind: 'missing', forDays: afterDays });
      if (patients > 0) {
        const details = { count: patients, missing_for_days: afterDays };
        await appendAudit(tx, { organizationId: id, actor: 'server', action: 'patients.purge', details });
      }
      return patients;
    });
  }
  return purged;
}
