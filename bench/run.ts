/** `npm run bench`: every figure as a ratio against a peer or a limit of the same run. Writes docs/performance.md. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { benchIngest } from './ingest.ts';
import { benchLatency } from './latency.ts';
import { benchOpsConsole } from './ops-console.ts';

export interface Row {
  name: string;
  value: number;
  unit: string;
  ratio?: number;
  /** What the ratio is against. */
  of?: string;
  /** The ratio we want to keep. */
  atLeast?: number;
}

const PARTS: [string, () => Promise<Row[]>][] = [
  ['Storing patients', benchIngest],
  ['Waiting for Cliniko', benchLatency],
  ['The ops console in a browser', benchOpsConsole],
];

const sections: string[] = [];
for (const [title, bench] of PARTS) {
  process.stdout.write(`\n${title} …\n`);
  const table = toTable(await bench());
  process.stdout.write(`${table}\n`);
  sections.push(`## ${title}\n\n${table}`);
}
const head = `# Performance

Figures of one run of \`npm run bench\` on ${availableParallelism()} cores, Node ${process.versions.node}. Absolute numbers are this
machine's; the ratios are what to compare, since both sides ran in the same minute.
`;
await writeFile(new URL('../docs/performance.md', import.meta.url), `${[head, ...sections].join('\n')}\n`);

function toTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const ratio = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} × ${row.of}`;
    const goal =
      row.atLeast === undefined
        ? ''
        : `≥ ${row.atLeast}${(row.ratio ?? 0) >= row.atLeast ? '' : ' (missed)'}`;
    return `| ${row.name} | ${Math.round(row.value).toLocaleString('en')} ${row.unit} | ${ratio} | ${goal} |`;
  });
  return ['| what | figure | ratio | goal |', '|---|---|---|---|', ...lines].join('\n');
}
