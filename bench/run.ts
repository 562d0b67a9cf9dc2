/**
 * `npm run bench`: every figure as a ratio to a peer or a limit of the same run. Writes the figures into
 * docs/performance.md.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { benchFanOut } from './fan-out/fan-out.ts';
import { replaceFigures } from './figures.ts';
import { benchFleet } from './fleet.ts';
import { benchFleetAtWork } from './fleet-at-work.ts';
import { benchIngest } from './ingest.ts';
import { benchLargeClinic } from './large-clinic.ts';
import { benchLatency } from './latency.ts';
import { benchLive } from './live.ts';
import { benchManyClinics } from './many-clinics.ts';
import { benchNudges } from './nudges.ts';
import { benchOldDashboards } from './old-dashboards.ts';
import { benchOpsConsole } from './ops-console.ts';
import { benchPromisedTimes } from './promised-times.ts';
import { benchRemainingTime } from './remaining-time.ts';
import { type Row, toTable } from './table.ts';

/** `npm run bench -- --quick` runs smaller rounds; `-- --only=NAME` the parts whose title begins so. */
const isQuick = process.argv.includes('--quick');
const only = process.argv.find((arg) => arg.startsWith('--only='))?.slice('--only='.length);

const PARTS: [string, () => Promise<Row[]>][] = [
  ['Storing patients', () => benchIngest({ isQuick })],
  ['A large clinic', () => benchLargeClinic({ isQuick })],
  ['Waiting for Cliniko', benchLatency],
  ['The ops console in a browser', () => benchOpsConsole({ isQuick })],
  ['Fan-out to many clients', () => benchFanOut({ isQuick })],
  ['From the commit to the client', () => benchLive({ isQuick })],
  ['Old dashboards', () => benchOldDashboards({ isQuick })],
  ['A fleet', () => benchFleet({ isQuick })],
  ['Fleet at work', () => benchFleetAtWork({ isQuick })],
  ['Many clinics at once', () => benchManyClinics({ isQuick })],
  ['Nudges between servers', () => benchNudges({ isQuick })],
  ['Promised times', () => benchPromisedTimes({ isQuick })],
  ['Remaining time', () => benchRemainingTime({ isQuick })],
];

// From `.bench/bench/`, where this file runs.
const page = new URL('../../docs/performance.md', import.meta.url);
for (const [title, bench] of PARTS.filter(([name]) => name.startsWith(only ?? ''))) {
  process.stdout.write(`\n${title} …\n`);
  const table = toTable(await bench());
  process.stdout.write(`${table}\n`);
  // Written part by part: a later failure keeps earlier results.
  await writeFile(page, withFigures(await readFile(page, 'utf8'), title, table));
}

function withFigures(text: string, title: string, table: string): string {
  // The benchmark itself causes a load of about two: a higher load came from other processes, and affects delays too.
  const load = loadavg()[0]?.toFixed(1);
  const machine = `${availableParallelism()} cores at a load of ${load}, Node ${process.versions.node}${isQuick ? ', quick' : ''}`;
  const measured = `Measured ${new Date().toISOString().slice(0, 10)} on ${machine}.`;
  return replaceFigures(text, title, `${table}\n\n${measured}`);
}
