/** After a change of `CREDENTIALS_KEY`: what the previous key had sealed is sealed anew, and needs that key no more. */
import type { Database } from '../database/open.ts';
import type { Sealer } from './sealing.ts';

/** A column of sealed texts. */
export interface SealedColumn {
  table: string;
  column: string;
  /** Columns that the context of a text is made of. */
  contextColumns: readonly string[];
  contextOf(row: Record<string, string | number>): string;
}

const AT_ONCE = 100;

/** Row by row, since there may be many; a text that was changed meanwhile is new already. @throws SealError */
export async function reseal({ sql }: Database, sealer: Sealer, sealed: SealedColumn): Promise<void> {
  const { table, column, contextOf } = sealed;
  const selected = [...sealed.contextColumns, column];
  const rows = sql<Record<string, string | number>[]>`
    select ${sql(selected)}, ctid::text as place from ${sql(table)}`;
  for await (const part of rows.cursor(AT_ONCE)) {
    for (const row of part) {
      const old = String(row[column]);
      if (sealer.isCurrent(old)) continue;
      const anew = sealer.seal(sealer.open(old, contextOf(row)), contextOf(row));
      await sql`update ${sql(table)} set ${sql(column)} = ${anew}
        where ctid = ${String(row.place)}::text::tid and ${sql(column)} = ${old}`;
    }
  }
}
