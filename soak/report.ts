/** The figures of a run, for the terminal and for docs/soak.md. */
import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { replaceFigures } from '../bench/figures.ts';
import type { Audience } from './audience.ts';
import type { Environment } from './environment.ts';
import type { FaultInjector } from './inject-faults.ts';
import type { Held, MemoryQuarters } from './resources.ts';

export interface Holding {
  start: Held | undefined;
  end: Held | undefined;
  /** Undefined without samples. */
  quarters: MemoryQuarters | undefined;
}

const PAGE = new URL('../docs/soak.md', import.meta.url);

const whole = (count: number): string => count.toLocaleString('en', { maximumFractionDigits: 0 });

export async function reportOf(
  environment: Environment,
  audience: Audience,
  injector: FaultInjector,
  holding: Holding,
): Promise<string> {
  const { options, findings, servers } = environment;
  const faults = [...injector.counts.injected].toSorted(([one], [other]) => one.localeCompare(other));
  const rows: [string, string][] = [
    [
      'run',
      `${options.minutes} minutes of faults, seed ${options.seed}, ${options.servers} servers, NATS ${environment.nats === undefined ? 'left out' : 'used'}`,
    ],
    [
      'date and machine',
      `${new Date().toISOString().slice(0, 10)}, ${availableParallelism()} cores, Node ${process.versions.node}`,
    ],
    ...(await deliveryRows(environment, audience)),
    [
      'faults with an effect',
      `${injector.total}: ${faults.map(([kind, count]) => `${kind} ${count}`).join(', ')}; ${injector.counts.leftOut} more without one`,
    ],
    [
      'failed starts of a server while PostgreSQL was away',
      whole(servers.reduce((sum, { failedStarts }) => sum + failedStarts, 0)),
    ],
    ['lines in the logs of the servers', whole(servers.reduce((sum, { logLines }) => sum + logLines, 0))],
    ...holdingRows(holding),
  ];
  const checks = findings
    .counts()
    .map(({ check, passed, failed }) => `| ${check} | ${whole(passed)} | ${whole(failed)} |`);
  return [
    '| what | figure |',
    '|---|---|',
    ...rows.map(([what, figure]) => `| ${what} | ${figure} |`),
    '',
    '| check | passed | failed |',
    '|---|---|---|',
    ...checks,
  ].join('\n');
}

async function deliveryRows(environment: Environment, audience: Audience): Promise<[string, string][]> {
  const { postgres, cliniko, organizations } = environment;
  const runs = await postgres.read(
    (sql) => sql<{ result: string; count: number }[]>`
      select case when status = 'completed' then 'completed' else coalesce(metadata ->> 'error_type', status) end as result,
        count(*)::int as count from sync_logs group by 1 order by 2 desc`,
  );
  const [stored] = await postgres.read(
    (sql) => sql<{ patients: number; changes: number; events: number }[]>`
      select (select count(*)::int from patients) as patients, (select sum(head)::int from patient_change_streams) as changes,
        (select count(*)::int from sync_events) as events`,
  );
  const { events, snapshots, polls, resets } = audience.oracle.delivered;
  return [
    ['clinics', whole(organizations.length)],
    ['patients in Cliniko over the run', whole(await cliniko.ask<number>({ what: 'count' }))],
    ['patients stored, missing ones included', whole(stored?.patients ?? 0)],
    [
      'viewers',
      `${whole(audience.size)}, ${whole(audience.joinedInRuns)} of them from the middle of a run on`,
    ],
    ['events in the log', whole(stored?.events ?? 0)],
    [
      'events delivered',
      `${whole(events)}, and ${whole(snapshots)} snapshots, ${whole(polls)} answers to polls, ${whole(resets)} announced resets`,
    ],
    ['changes of patients in the log', whole(stored?.changes ?? 0)],
    [
      'changes of patients delivered',
      `${whole(audience.followers.changes)}, ${whole(audience.followers.listed)} of them stored patients of \`since=all\``,
    ],
    [
      'webhooks received',
      `${whole(environment.webhooks.oracle.received)}, ${whole(environment.webhooks.oracle.repeated)} of them again`,
    ],
    ['runs', runs.map(({ result, count }) => `${result} ${whole(count)}`).join(', ')],
  ];
}

export function holdingRows({ start, end, quarters }: Holding): [string, string][] {
  const mb = (size: number | undefined) => figureOf(size, ' MB');
  return [
    [
      'memory of the server that is never killed',
      `before the first sync ${mb(start?.rssMb)}, in the second quarter ${mb(quarters?.second)}, in the last ${mb(quarters?.last)}, at rest after it ${mb(end?.rssMb)}`,
    ],
    ['its sockets at rest', `before ${figureOf(start?.sockets)}, after ${figureOf(end?.sockets)}`],
    [
      'sessions of all servers at rest',
      `before ${figureOf(start?.sessions)}, after ${figureOf(end?.sessions)}`,
    ],
  ];
}

const figureOf = (figure: number | undefined, unit = ''): string =>
  figure === undefined ? 'not measured' : `${whole(figure)}${unit}`;

export async function writeReport(report: string): Promise<void> {
  await writeFile(PAGE, replaceFigures(await readFile(PAGE, 'utf8'), 'Soak', report));
}
