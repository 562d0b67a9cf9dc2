/** Which of two versions of a patient is stored. */
import { describe, expect } from 'vitest';
import { test } from '../support/database.ts';
import { openEngine } from '../support/engine.ts';
import { people, person, scriptedSource } from '../support/scripted-source.ts';

describe('a patient whose record has an earlier updated_at than the stored version', () => {
  test('keeps a version of the last hour, and is as in Cliniko again when the stored version is older', async ({
    databaseUrl,
  }) => {
    const engine = await openEngine(databaseUrl);
    const name = async () => {
      const [row] = await engine.sql<{ first_name: string; updated_at: Date }[]>`
        select first_name, updated_at from patients where cliniko_patient_id = ${String(person(1).id)}`;
      return row?.first_name;
    };
    const others = people(5).slice(1);
    const later = person(1, { first_name: 'Later', updated_at: '2025-06-01T00:00:00Z' });
    const earlier = person(1, { first_name: 'Earlier', updated_at: '2025-02-01T00:00:00Z' });
    await engine.syncWith(scriptedSource([later, ...others]));
    expect(await engine.syncWith(scriptedSource([earlier, ...others]))).toMatchObject({
      metadata: { updated: 0, unchanged: 5 },
    });
    expect(await name()).toBe('Later');

    await engine.sql`update patients set stored_at = now() - interval '61 minutes'`;
    expect(await engine.syncWith(scriptedSource([earlier, ...others]))).toMatchObject({
      metadata: { updated: 1, unchanged: 4 },
    });
    expect(await name()).toBe('Earlier');
  });
});
