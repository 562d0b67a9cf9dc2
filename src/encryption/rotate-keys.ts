/** After a change of `CREDENTIALS_KEY`: what the previous key had sealed is sealed anew, and needs that key no more. */
import type { Database } from '../database/open.ts';
import type { Sealer } from './sealer.ts';

/** A column of sealed texts. */
export interface SealedColumn {
  table: string;
  column: string;
  /** Columns that the context of a text is made of. */
  contextColumns: readonly string[];
  contextOf(row: Record<string, string | number>): string;
}

const BATCH_SIZE = 100;

/**
 * In portions, since there may be many; a text that was changed meanwhile is new already. Not by a cursor of postgres.js: it takes
 * a connection that is lost while a row is being written for the end, and texts would be left that only the old key opens.
 *
 * @throws SealError, PostgresError
 */
export async function rotateKeys({ sql }: Database, sealer: Sealer, sealed: SealedColumn): Promise<void> {
  const { table, column, contextOf } = sealed;
  const selected = [...sealed.contextColumns, column];
  // What is written anew moves behind the others, and is met again as what it is then.
  for (let place: string | undefined = '(0,0)'; place !== undefined; ) {
    const rows: Record<string, string | number>[] = await sql`
      select ${sql(selected)}, ctid::text as place from ${sql(table)}
      where ctid > ${place}::text::tid order by ctid limit ${BATCH_SIZE}`;
    for (const row of rows) {
      const old = String(row[column]);
      if (sealer.isCurrent(old)) continue;
      const anew = sealer.seal(sealer.open(old, contextOf(row)), contextOf(row));
      await sql`update ${sql(table)} set ${sql(column)} = ${anew}
        where ctid = ${String(row.place)}::text::tid and ${sql(column)} = ${old}`;
    }
    place = rows.at(-1)?.place?.toString();
  }
}
