/**
 * Tables as CSV (RFC 4180), safe to open in a spreadsheet.
 *
 * A spreadsheet runs a cell that begins like a formula, and rounds a number of more than 15 digits. An apostrophe in front
 * makes a cell text for it. So no cell begins with `=`, `+`, `-` or `@`, and ids of Cliniko keep their digits.
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
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const exactText = ({ id }: ExactId) => (id === null ? '' : `'${id}`);

/** The full-width forms count too: some spreadsheets read them as the plain characters. */
const plainText = (text: string) => (/^[\t\r\n]|^\s*[=+\-@＝＋－＠]/.test(text) ? `'${text}` : text);
