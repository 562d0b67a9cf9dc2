/** The views that compute columns from `patients.raw`. Who may read them: test/access/sql-readers.test.ts. */
import { expect } from 'vitest';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';

test('the details have the id of a link with parameters, and no text of blanks', async ({ databaseUrl }) => {
  const { sql } = await openEngine(databaseUrl);
  const linkTo = (path: string) => ({ links: { self: `https://api.au1.cliniko.com/v1/${path}` } });
  const record = {
    title: ' Ms\n',
    address_2: '\r\n',
    city: ' \t\u00a0',
    medicare: '\n',
    referring_doctor: linkTo('contacts/1301639672946719280?page=1'),
    concession_type: linkTo('concession_types/7/'),
  };
  await sql`insert into patients (organization_id, cliniko_patient_id, raw, content_hash, warnings)
    values (123, '1', ${JSON.stringify(record)}::text::jsonb, '', 0)`;
  expect(
    await sql`select title, address_2, city, medicare, referring_doctor_id as doctor, concession_type_id as concession
      from patient_details join patient_identifiers using (organization_id, cliniko_patient_id)`,
  ).toEqual([
    {
      title: 'Ms',
      address_2: null,
      city: null,
      medicare: null,
      doctor: '1301639672946719280',
      concession: '7',
    },
  ]);
});
