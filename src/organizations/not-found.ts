import { organizationNotFound } from '../http/problem.ts';
import { OrganizationDeletedError } from './organization-lock.ts';

/** For a request about an organization that is deleted at the same time: it is answered as if it came after. @throws always */
export function deletedIsNotFound(organizationId: number, error: unknown): never {
  throw error instanceof OrganizationDeletedError ? organizationNotFound(organizationId) : error;
}
