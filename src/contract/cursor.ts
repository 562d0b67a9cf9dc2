/**
 * A position in the stream of one organization: `<epoch>.<seq>`.
 *
 * `seq` alone is ambiguous: after a database is restored from a backup, seq 500 names another event than the
 * one a client saw. The epoch changes whenever history is lost, so an old cursor differs from a new one.
 */

export const CURSOR = /^([a-z0-9]{1,32})\.([0-9]{1,18})$/;

/** A bigint: `seq` has up to 18 digits, more than a JavaScript number holds exactly. */
export interface Cursor {
  epoch: string;
  seq: bigint;
}

/** @returns undefined when the text is not a cursor */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) return undefined;
  return { epoch: match[1], seq: BigInt(match[2]) };
}

export function formatCursor(epoch: string, seq: number | bigint): string {
  return `${epoch}.${seq}`;
}
