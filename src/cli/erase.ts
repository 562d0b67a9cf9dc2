/**
 * `npm run patients:erase -- --org 123 --patient 456`: erases patients permanently, after showing what will be erased.
 *
 * Works on the configured database directly, so no server has to run. Prints counts, never names.
 */
import { formatCount, formatPatients } from '#contract/count.ts';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { readDatabaseConfig } from '../config/config.ts';
import type { Database } from '../database/open.ts';
import { countErasable, type ErasureTarget, eraseAndAudit } from '../erasure/erase.ts';
import { readArguments, runCommand, UsageError, wholeNumber } from './arguments.ts';
import { jsonLine } from './screen.ts';
import { withMigratedDatabase } from './with-database.ts';

const USAGE =
  'Usage: npm run patients:erase -- --org 123 (--patient 456,789 | --missing-for DAYS) [--confirm] [--json]';

/** A whole clinic is one statement, and no other work waits behind it here. */
const ERASING_LIMIT_MS = 600_000;

await runCommand(async () => {
  const values = readArguments(
    process.argv.slice(2),
    {
      org: { type: 'string' },
      patient: { type: 'string' },
      'missing-for': { type: 'string' },
      confirm: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    USAGE,
  );
  if (values.org === undefined) throw new UsageError(`--org is missing.\n${USAGE}`);
  const organizationId = wholeNumber(values.org, '--org', 1, MAX_ROW_ID);
  const target = readTarget(values.patient, values['missing-for']);
  const options = { max: 2, answerLimitMs: ERASING_LIMIT_MS };
  return await withMigratedDatabase(readDatabaseConfig(process.env), options, async (database) => {
    const say = (line: Line): void =>
      void process.stdout.write(values.json ? jsonLine(line) : `${wordsOf(line)}\n`);
    say({
      type: 'found',
      organization_id: organizationId,
      ...(await countErasable(database.sql, organizationId, target)),
    });
    if (values.confirm)
      say({
        type: 'erased',
        organization_id: organizationId,
        ...(await erase(database, organizationId, target)),
      });
    else say({ type: 'not_erased', organization_id: organizationId });
    return 0;
  });
});

function readTarget(patient: string | undefined, missingFor: string | undefined): ErasureTarget {
  if ((patient === undefined) === (missingFor === undefined)) {
    throw new UsageError(`Name either --patient or --missing-for.\n${USAGE}`);
  }
  if (missingFor !== undefined) {
    return { kind: 'missing', forDays: wholeNumber(missingFor, '--missing-for', 0, 36_500) };
  }
  const ids = (patient ?? '').split(',').map((id) => id.trim());
  if (ids.every((id) => /^[0-9]{1,19}$/.test(id))) return { kind: 'listed', ids };
  throw new UsageError('--patient takes Cliniko ids with commas, such as 1412087736654301127.');
}

async function erase(database: Database, organizationId: number, target: ErasureTarget) {
  return await eraseAndAudit(database, organizationId, target, ({ patients, quarantined }) => ({
    organizationId,
    actor: 'command line',
    action: 'patients.erase',
    details: { count: patients, quarantined },
  }));
}

type Line = { organization_id: number } & (
  | { type: 'found'; patients: number; quarantined: number; still_in_cliniko: number }
  | { type: 'erased'; patients: number; quarantined: number }
  | { type: 'not_erased' }
);

function wordsOf(line: Line): string {
  switch (line.type) {
    case 'found': {
      const found = `Organization ${line.organization_id}: ${formatPatients(line.patients)}, and ${formatCount(line.quarantined)} in quarantine.`;
      if (line.still_in_cliniko === 0) return found;
      return `${found}\n${formatCount(line.still_in_cliniko)} of them were in Cliniko at the last full sync: delete them there first, or the next sync brings them back.`;
    }
    case 'erased':
      return `Erased permanently: ${formatPatients(line.patients)}, and ${formatCount(line.quarantined)} in quarantine.`;
    case 'not_erased':
      return 'Nothing was erased. Add --confirm to erase them permanently.';
    default:
      return line satisfies never;
  }
}
