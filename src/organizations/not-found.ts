import { organizationNotFound } from '../http/problem.ts';
import { OrganizationDeletedError } from './organization-lock.ts';

/**
 * Answers a request about an organization that is deleted at the same time as if the request came after the deletion.
 * @throws always
 */
export function deletedIsNotFound(organizationId: number, error: unknown): never {
  throw error instanceof OrganizationDeletedError ? organizationNotFound(organizationId) : error;
}
