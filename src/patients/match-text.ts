import type { Sql } from 'postgres';
import type { Fragment } from '../database/fragment.ts';

/**
 * The condition that a text which a person typed is a part of a patient's name or e-mail address.
 *
 * Cliniko has names with more blanks than one, and names whose accents are characters of their own (NFD), as in files of a Mac. So
 * anything may follow a blank, and both forms of accents are tried: to normalize the stored names takes longer than to compare them.
 */
export function matchesNameOrEmail(sql: Sql, search: string): Fragment {
  const text = search.trim().replace(/\s+/g, ' ');
  const forms = new Set([text.normalize('NFC'), text.normalize('NFD')]);
  const patterns = [...forms].map((form) => `%${form.replace(/[\\%_]/g, '\\$&').replaceAll(' ', ' %')}%`);
  return sql`(concat_ws(' ', first_name, last_name) ilike any (${patterns}::text[]) or email ilike any (${patterns}::text[]))`;
}
