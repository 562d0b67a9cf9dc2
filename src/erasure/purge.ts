/**
 * The optional purge: erases patients that are missing in Cliniko for a number of days. Off unless the operator sets the
 * number.
 */
import { waitedTooLong } from '../database/brief-lock.ts';
import type { Database } from '../database/open.ts';
import { isDatabaseUnavailable } from '../database/transient-errors.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { every } from '../timing/every.ts';
import { eraseAndAudit } from './erase.ts';

const EVERY_MS = 60 * 60_000;
const FIRST_AFTER_MS = 60_000;

/** @returns a function that stops it */
export function startPurge(database: Database, afterDays: number, logger: Logger): () => void {
  let first = true;
  return every(
    () => {
      const delayMs = first ? FIRST_AFTER_MS : EVERY_MS;
      first = false;
      return delayMs * (0.5 + Math.random());
    },
    async () => {
      try {
        const purged = await purgeMissing(database, afterDays, (id, error) =>
          logger.warn(
            { organization_id: id, ...safeError(error) },
            `Purging the missing patients of organization ${id} failed; it is tried again in an hour`,
          ),
        );
        if (purged > 0) logger.info(`Purged ${purged} patients who were missing for ${afterDays} days`);
      } catch (error) {
        logger.warn(safeError(error), 'Purging missing patients failed; it is tried again in an hour');
      }
    },
  );
}

/**
 * Purges one clinic after another, each with its own audit entry. One whose purge fails is left to the next time: another
 * program may hold it.
 *
 * @returns how many patients were erased
 */
export async function purgeMissing(
  database: Database,
  afterDays: number,
  onFailed: (organizationId: number, error: unknown) => void,
): Promise<number> {
  const clinics = await database.sql<{ id: number }[]>`
    select distinct organization_id as id from patients
    where missing_since < now() - make_interval(days => ${afterDays})`;
  let purged = 0;
  for (const { id } of clinics) {
    try {
      purged += await purgeClinic(database, id, afterDays);
    } catch (error) {
      if (isDatabaseUnavailable(error) && !waitedTooLong(error)) throw error;
      onFailed(id, error);
    }
  }
  return purged;
}

async function purgeClinic(database: Database, organizationId: number, afterDays: number): Promise<number> {
  const target = { kind: 'missing', forDays: afterDays } as const;
  const { patients } = await eraseAndAudit(database, organizationId, target, ({ patients: count }) => {
    if (count === 0) return undefined;
    const details = { count, missing_for_days: afterDays };
    return { organizationId, actor: 'server', action: 'patients.purge', details };
  });
  return patients;
}
