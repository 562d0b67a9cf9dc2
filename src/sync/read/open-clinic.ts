/** The first step of a run: what it needs before it can read its clinic. */
import type { PatientSource } from '../../cliniko/source.ts';
import { hasPatientUniqueness, PATIENT_UNIQUE } from '../../database/patient-uniqueness.ts';
import { findOrganization, readApiKey } from '../../organizations/organizations.ts';
import type { ParseRules } from '../../patients/parse-patient.ts';
import { assertSameApiKey, recordApiKey } from '../api-key-check.ts';
import { MissingConstraintError, MissingKeyError } from '../failure.ts';
import type { RunContext } from '../run-context.ts';

/**
 * Checks the preconditions of a run, and records which API key it reads with.
 *
 * @throws MissingConstraintError, MissingKeyError, KeyReplacedError, OrganizationDeletedError
 */
export async function openClinic(run: RunContext): Promise<{ source: PatientSource; rules: ParseRules }> {
  const { lease } = run.claimed;
  const { database, sealer, sourceFor } = run.deps;
  if (!(await hasPatientUniqueness(database.sql))) {
    throw new MissingConstraintError(`unique constraint "${PATIENT_UNIQUE}" is missing`);
  }
  const organization = await findOrganization(database, lease.organizationId);
  const before = run.state.keyVersion;
  run.state = { ...run.state, keyVersion: await assertSameApiKey(database.sql, lease, before) };
  if (before !== run.state.keyVersion) await recordApiKey(database, lease, run.state);
  const apiKey = await readApiKey(database, sealer, lease.organizationId);
  if (organization === undefined || apiKey === undefined) {
    throw new MissingKeyError('No API key is stored.');
  }
  const { country, validation } = organization;
  return { source: sourceFor(apiKey), rules: { country, validation } };
}
