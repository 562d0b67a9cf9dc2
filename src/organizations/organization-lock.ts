/**
 * The first lock of the lock order (docs/guides/architecture.md): the organization's row.
 *
 * A transaction that writes single patients shares it, so a deleted organization never gets patients back. One that writes many
 * rows of an organization (an erasure, the end of a run, a confirmation) holds it alone: no batch is under way then, and
 * the two never wait for each other's rows.
 */
import type { ISql } from 'postgres';

/** The organization of this work is not registered any more. */
export class OrganizationDeletedError extends Error {
  override readonly name = 'OrganizationDeletedError';

  constructor(organizationId: number) {
    super(`Organization ${organizationId} was deleted.`);
  }
}

/** Until the transaction ends the organization cannot be deleted, and no transaction holds it alone. */
export const sharedOrganization = (tx: ISql, organizationId: number) =>
  tx`from organizations where id = ${organizationId} for key share`;

/** @throws OrganizationDeletedError */
export async function shareOrganization(tx: ISql, organizationId: number): Promise<void> {
  const rows = await tx`select ${sharedOrganization(tx, organizationId)}`;
  if (rows.length === 0) throw new OrganizationDeletedError(organizationId);
}

/**
 * Waits for every transaction that shares the organization. What is read about it in a later statement is true until the
 * transaction ends; a read in the same statement may be older than the wait.
 *
 * @returns whether it is registered
 */
export async function lockOrganization(tx: ISql, organizationId: number): Promise<boolean> {
  const rows = await tx`select from organizations where id = ${organizationId} for update`;
  return rows.length > 0;
}

export async function isRegistered(sql: ISql, organizationId: number): Promise<boolean> {
  const rows = await sql`select from organizations where id = ${organizationId}`;
  return rows.length > 0;
}
