/** `jsonb[]` in PostgreSQL's binary format, through the patched driver (patches/README.md), on a real PostgreSQL. */
import fc from 'fast-check';
import { describe, expect } from 'vitest';
import { jsonbArray } from '../../src/database/jsonb-array.ts';
import { connectInTest, test } from '../support/database.ts';

describe('a parameter of bytes', () => {
  test('arrives as it was sent, beside texts and nulls', async ({ databaseUrl }) => {
    const sql = connectInTest(databaseUrl);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue({ stringUnit: 'binary' })), async (values) => {
        // jsonb contains neither NUL nor lone surrogates.
        const texts = values
          .map((value) => JSON.stringify(value))
          .filter((text) => !/\\u(?:0000|d[89a-f])/.test(text));
        const elements = texts.map((text) => Buffer.from(text));
        const [row] = await sql`
          select ${'before'}::text as before, to_jsonb(${jsonbArray(sql, elements)}) as elements, ${null}::text as after`;
        // -0 is written as 0.
        expect(row).toEqual({
          before: 'before',
          elements: texts.map((text) => JSON.parse(text)),
          after: null,
        });
      }),
      { numRuns: 100 },
    );
  });

  test('of hundreds of kilobytes keeps its place between the statements of its connection', async ({
    databaseUrl,
  }) => {
    const sql = connectInTest(databaseUrl);
    const large = Buffer.from(JSON.stringify('x'.repeat(300_000)));
    const sizes = () => sql`select length(element #>> '{}') as n
      from unnest(${jsonbArray(sql, [large, Buffer.from('"y"')])}) as element`;
    // Prepared, so that the statements that follow are sent at once.
    await sizes();
    const answers = await Promise.all([sql`select 1 as n`, sizes(), sql`select 2 as n`, sizes()]);
    expect(answers.map((rows) => rows.map(({ n }) => n))).toEqual([[1], [300_000, 1], [2], [300_000, 1]]);
  });
});
