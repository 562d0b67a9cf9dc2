/** Which organization an address names: `/?org=123`. */
import { RowId } from '../../../src/contract/sync-log.ts';

/** @returns undefined when it names none, or something that cannot be one */
export function organizationOf(search: string): number | undefined {
  return parseOrganizationId(new URLSearchParams(search).get('org') ?? '');
}

export function parseOrganizationId(text: string): number | undefined {
  const digits = text.trim();
  if (!/^[1-9][0-9]{0,9}$/.test(digits)) return undefined;
  return RowId.safeParse(Number(digits)).data;
}

export function addressOf(organizationId: number): string {
  return `/?org=${organizationId}`;
}
