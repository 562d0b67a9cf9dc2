/** `npm run bench`: every figure as a ratio against a peer or a limit of the same run. Writes docs/performance.md. */
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { benchFanOut } from './fan-out.ts';
import { benchIngest } from './ingest.ts';
import { benchLatency } from './latency.ts';
import { benchLive } from './live.ts';
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
  atMost?: number;
}

/** `npm run bench -- --quick` runs smaller rounds; `-- --only=NAME` the parts whose title begins so, and writes nothing. */
const isQuick = process.argv.includes('--quick');
const only = process.argv.find((arg) => arg.startsWith('--only='))?.slice('--only='.length);

const PARTS: [string, () => Promise<Row[]>][] = [
  ['Storing patients', benchIngest],
  ['Waiting for Cliniko', benchLatency],
  ['The ops console in a browser', benchOpsConsole],
  ['Fan-out to many clients', () => benchFanOut({ isQuick })],
  ['From the commit to the client', () => benchLive({ isQuick })],
];

const sections: string[] = [];
for (const [title, bench] of PARTS.filter(([title]) => title.startsWith(only ?? ''))) {
  process.stdout.write(`\n${title} …\n`);
  const table = toTable(await bench());
  process.stdout.write(`${table}\n`);
  sections.push(`## ${title}\n\n${table}`);
}
const head = `# Performance

Figures of one run of \`npm run bench\` on ${availableParallelism()} cores, Node ${process.versions.node}. Absolute numbers are this
machine's; the ratios are what to compare, since both sides ran in the same minute.
`;
if (only === undefined) {
  await writeFile(new URL('../docs/performance.md', import.meta.url), `${[head, ...sections].join('\n')}\n`);
}

function toTable(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const ratio = row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} × ${row.of}`;
    const goal = goalOf(row);
    return `| ${row.name} | ${row.value.toLocaleString('en', { maximumFractionDigits: row.value < 100 ? 1 : 0 })} ${row.unit} | ${ratio} | ${goal} |`;
  });
  return ['| what | figure | ratio | goal |', '|---|---|---|---|', ...lines].join('\n');
}

function goalOf({ ratio = 0, atLeast, atMost }: Row): string {
  if (atLeast !== undefined) return `≥ ${atLeast}${ratio >= atLeast ? '' : ' (missed)'}`;
  if (atMost !== undefined) return `≤ ${atMost}${ratio <= atMost ? '' : ' (missed)'}`;
  return '';
}
