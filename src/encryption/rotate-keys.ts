/**
 * After a change of `CREDENTIALS_KEY`: seals again what the previous key sealed, so that the previous key is no longer
 * needed.
 */
import type { ISql } from 'postgres';
import type { Database } from '../database/open.ts';
import type { Logger } from '../logging/logger.ts';
import { safeError } from '../logging/safe-error.ts';
import { every } from '../timing/every.ts';
import type { Sealer } from './sealer.ts';

/** A column of sealed texts. */
export interface SealedColumn {
  table: string;
  column: string;
  /** The columns that form the context of a text. */
  contextColumns: readonly string[];
  contextOf(row: Record<string, string | number>): string;
}

const BATCH_SIZE = 100;

/** Of a long text only the beginning is read. */
const BEGINNING = 64;

/** The id of the key that sealed a column. */
export const keyIdOf = (sql: ISql, column: string) =>
  sql`split_part(left(${sql(column)}, ${BEGINNING}), '.', 2)`;

const AGAIN_EVERY_MS = 60_000;

/**
 * While a server with the previous key still runs, it seals with that key. So the rotation is repeated, as long as the previous key
 * is set.
 *
 * @returns a function that stops it
 */
export function rotateAgain(
  database: Database,
  sealer: Sealer,
  columns: readonly SealedColumn[],
  logger: Logger,
): () => void {
  return every(
    () => AGAIN_EVERY_MS * (0.5 + Math.random()),
    async () => {
      try {
        for (const sealed of columns) await rotateKeys(database, sealer, sealed);
      } catch (error) {
        logger.warn(safeError(error), 'Sealing with the new key failed; it is tried again in a minute');
      }
    },
  );
}

/**
 * In portions, since there may be many; a text that changes during the rotation is already sealed with the new key. Not with
 * a cursor of postgres.js: it treats a connection that is lost during a write as the end of the rows, and texts would remain
 * that only the old key opens.
 *
 * @throws SealError, PostgresError
 */
export async function rotateKeys({ sql }: Database, sealer: Sealer, sealed: SealedColumn): Promise<void> {
  const { table, column, contextOf } = sealed;
  const selected = [...sealed.contextColumns, column];
  // A rewritten row moves to the end of the table, so it is read again, already sealed with the new key.
  for (let place: string | undefined = '(0,0)'; place !== undefined; ) {
    const rows: Record<string, string | number>[] = await sql`
      select ${sql(selected)}, ctid::text as place from ${sql(table)}
      where ctid > ${place}::text::tid and ${keyIdOf(sql, column)} <> ${sealer.keyId} order by ctid limit ${BATCH_SIZE}`;
    for (const row of rows) {
      const old = String(row[column]);
      if (sealer.isCurrent(old)) continue;
      const resealed = sealer.seal(sealer.open(old, contextOf(row)), contextOf(row));
      await sql`update ${sql(table)} set ${sql(column)} = ${resealed}
        where ctid = ${String(row.place)}::text::tid and ${sql(column)} = ${old}`;
    }
    place = rows.at(-1)?.place?.toString();
  }
}
