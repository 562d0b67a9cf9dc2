/**
 * What an address names: an organization, `${BASE_PATH}/?org=123`, one of its runs, `&run=17`, its patients,
 * `&view=patients`, or those to check, `&view=check`.
 */
import type { CheckReason } from '#contract/patients-to-check.ts';
import { RowId } from '#contract/sync-log.ts';
import { BASE_PATH } from '../base-path.ts';

/** @returns undefined when the address names no organization, or an invalid one */
export function organizationOf(search: string): number | undefined {
  return parseOrganizationId(new URLSearchParams(search).get('org') ?? '');
}

/** @returns undefined when the address names no run: then it is the dashboard */
export function runOf(search: string): number | undefined {
  return parseOrganizationId(new URLSearchParams(search).get('run') ?? '');
}

/** @returns the cursor of the moment of a run that the address names; null without one */
export function momentOf(search: string): string | null {
  return new URLSearchParams(search).get('moment');
}

export function parseOrganizationId(text: string): number | undefined {
  const digits = text.trim();
  if (!/^[1-9][0-9]{0,9}$/.test(digits)) return undefined;
  return RowId.safeParse(Number(digits)).data;
}

export function addressOf(organizationId: number): string {
  return `${BASE_PATH}/?org=${organizationId}`;
}

export function addressOfRun(organizationId: number, runId: number): string {
  return `${addressOf(organizationId)}&run=${runId}`;
}

/** @returns `patients`, `check` or `add`; null or any other text: the dashboard or a run */
export function viewOf(search: string): string | null {
  return new URLSearchParams(search).get('view');
}

/** @param id proposed; default: the next one */
export function addressOfAdd(id?: number): string {
  return `${BASE_PATH}/?view=add${id === undefined ? '' : `&org=${id}`}`;
}

/** @param reason opened first */
export function addressOfCheck(organizationId: number, reason?: CheckReason): string {
  return `${addressOf(organizationId)}&view=check${reason === undefined ? '' : `#${reason}`}`;
}

export function addressOfPatients(organizationId: number): string {
  return `${addressOf(organizationId)}&view=patients`;
}
