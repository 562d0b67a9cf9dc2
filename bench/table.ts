/** The results of the benchmarks, as rows of a table. */

/** A measured figure. */
interface Figure {
  name: string;
  value: number;
  unit: string;
  ratio?: number;
  /** The reference of the ratio. */
  of?: string;
  /** The ratio to keep. */
  atLeast?: number;
  atMost?: number;
}

/** A figure that could not be measured here, and why. */
export interface Absence {
  name: string;
  missing: string;
}

export type Row = Figure | Absence;

export function toTable(rows: readonly Row[]): string {
  return ['| what | figure | ratio | goal |', '|---|---|---|---|', ...rows.map(toLine)].join('\n');
}

function toLine(row: Row): string {
  if ('missing' in row) return `| ${row.name} | not measured: ${row.missing} |  |  |`;
  const value = row.value.toLocaleString('en', { maximumFractionDigits: row.value < 100 ? 1 : 0 });
  const ratio = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} × ${row.of}`;
  return `| ${row.name} | ${value} ${row.unit} | ${ratio} | ${limitText(row)} |`;
}

function limitText({ ratio = 0, atLeast, atMost }: Figure): string {
  if (atLeast !== undefined) return `≥ ${atLeast}${ratio >= atLeast ? '' : ' (missed)'}`;
  if (atMost !== undefined) return `≤ ${atMost}${ratio <= atMost ? '' : ' (missed)'}`;
  return '';
}
