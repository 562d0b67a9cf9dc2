/** The names of the organizations that the caller may see. */
import { Overview } from '#contract/overview.ts';
import { request, type Server } from './request.ts';

/** @returns by id; without a name where the organization has none. What cannot be read is missing: ids are enough to watch */
export async function readNames(server: Server): Promise<Map<number, string>> {
  const names = new Map<number, string>();
  try {
    for (let after: number | null = 0; after !== null; ) {
      const query: string = after === 0 ? '' : `?after=${after}`;
      const response = await request(server, `/overview${query}`, {});
      const page = Overview.parse(await response.json());
      for (const { organization_id, name } of page.organizations) {
        if (name !== null) names.set(organization_id, name);
      }
      after = page.next;
    }
  } catch {
    // An older server, or a token without access: the lines show ids.
  }
  return names;
}
