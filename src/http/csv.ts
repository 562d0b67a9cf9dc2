/**
 * Tables as CSV (RFC 4180), safe to open in a spreadsheet.
 *
 * A spreadsheet runs a cell that begins like a formula, and rounds a number of more than 15 digits. An apostrophe in front
 * makes a cell text for it. So no cell begins with `=`, `+`, `-` or `@`, and ids of Cliniko keep their digits.
 *
 * Where a comma separates decimals, Excel separates cells by semicolons and reads no quotes behind a comma. So a part of a text
 * behind a semicolon, a tab or a line break does not begin like a formula either.
 */
import type { Context } from 'hono';
import { z } from 'zod';
import { queryText } from './parameters.ts';

/** Digits that must stay exact: written with an apostrophe in front, whatever their length. */
interface ExactId {
  id: string | null;
}

export type Cell = string | number | boolean | null | ExactId;

export const Format = z.enum(['json', 'csv']);

/** `?format=csv`; default JSON. */
export function wantsCsv(c: Context): boolean {
  return queryText(c, 'format', Format, 'must be json or csv') === 'csv';
}

/** @param columns the first line, and in this order the keys of a row */
export function csvOf<K extends string>(
  columns: readonly K[],
  rows: readonly Readonly<Record<K, Cell>>[],
): string {
  const lines = rows.map((row) => columns.map((column) => csvCell(row[column])).join(','));
  return [columns.join(','), ...lines, ''].join('\r\n');
}

/**
 * @param name of the file, without its ending
 * @param next parameters of the page that follows this one
 */
export function csvResponse(c: Context, name: string, text: string, next?: Record<string, number>): Response {
  if (next !== undefined) {
    const address = new URL(c.req.url);
    for (const [parameter, value] of Object.entries(next)) address.searchParams.set(parameter, String(value));
    c.header('link', `<${address.search}>; rel="next"`);
  }
  return c.body(text, 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}.csv"`,
  });
}

function csvCell(cell: Cell): string {
  if (cell === null) return '';
  const text = typeof cell === 'object' ? exactText(cell) : plainText(String(cell));
  return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const exactText = ({ id }: ExactId) => (id === null ? '' : `'${id}`);

/** The full-width forms count too: some spreadsheets read them as the plain characters. */
function plainText(text: string): string {
  const safe = text.replace(/[;\t\r\n](?=(?:[^\S\t\r\n]|")*[=+\-@＝＋－＠])/g, "$&'");
  return /^[\t\r\n]|^\s*[=+\-@＝＋－＠]/.test(text) ? `'${safe}` : safe;
}
