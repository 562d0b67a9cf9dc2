/** What an address names: an organization, `${BASE_PATH}/?org=123`, one of its runs, `&run=17`, or its patients, `&view=patients`. */

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

export function isPatientsView(search: string): boolean {
  return new URLSearchParams(search).get('view') === 'patients';
}

export function addressOfPatients(organizationId: number): string {
  return `${addressOf(organizationId)}&view=patients`;
}
