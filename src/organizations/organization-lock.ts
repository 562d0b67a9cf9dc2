/**
 * The first lock of the lock order (docs/guides/architecture.md): the row of the organization.
 *
 * A transaction that writes single patients takes it as a shared lock, so a deleted organization never gets patients back.
 * One that writes many rows of an organization (an erasure, the end of a run, a confirmation) takes it exclusively: then no
 * batch is in progress, and the two never wait for each other's rows.
 */
import type { ISql } from 'postgres';

/** The organization of this operation is no longer registered. */
export class OrganizationDeletedError extends Error {
  override readonly name = 'OrganizationDeletedError';

  constructor(organizationId: number) {
    super(`Organization ${organizationId} was deleted.`);
  }
}

/** Until the transaction ends, the organization cannot be deleted, and no transaction holds it exclusively. */
export const sharedOrganization = (tx: ISql, organizationId: number) =>
  tx`from organizations where id = ${organizationId} for key share`;

/** @throws OrganizationDeletedError */
export async function shareOrganization(tx: ISql, organizationId: number): Promise<void> {
  const rows = await tx`select ${sharedOrganization(tx, organizationId)}`;
  if (rows.length === 0) throw new OrganizationDeletedError(organizationId);
}

/**
 * The class of the advisory locks that a registration takes, one for each organization: a row that does not exist yet cannot
 * be locked. Any number that no other lock uses.
 */
export const REGISTRATION_LOCK = 7_302;

/**
 * Waits for every transaction that shares the organization. Data that a later statement reads about it stays valid until the
 * transaction ends; a read in the same statement may be older than the lock. An organization that is not registered is not
 * registered before the transaction ends.
 *
 * @returns whether it is registered
 */
export async function lockOrganization(tx: ISql, organizationId: number): Promise<boolean> {
  if (await lockRow(tx, organizationId)) return true;
  await tx`select pg_advisory_xact_lock(${REGISTRATION_LOCK}, ${organizationId})`;
  return await lockRow(tx, organizationId);
}

async function lockRow(tx: ISql, organizationId: number): Promise<boolean> {
  const rows = await tx`select from organizations where id = ${organizationId} for update`;
  return rows.length > 0;
}

export async function isRegistered(sql: ISql, organizationId: number): Promise<boolean> {
  const rows = await sql`select from organizations where id = ${organizationId}`;
  return rows.length > 0;
}
