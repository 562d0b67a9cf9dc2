/** Copies and viewers that begin without a cursor in the middle of runs, most of them early: first syncs write every patient. */
import { setTimeout as delay } from 'node:timers/promises';
import { SeededRandom } from '../src/cliniko-simulator/seeded-random.ts';
import type { Audience } from './audience.ts';
import type { Environment } from './environment.ts';

const JOINS = 20;
/** Among so many runs, those that have written the most patients. */
const CHOICE = 3;
const LOOK_PAUSE_MS = 100;
const ASPECT = 84;

/** Until `isOver`. Each pause is longer than the one before. */
export async function joinInRuns(
  environment: Environment,
  audience: Audience,
  isOver: AbortSignal,
): Promise<void> {
  const { options, say } = environment;
  const pauses = ((JOINS + 1) * (JOINS + 2)) / 2;
  const shortestMs = (options.minutes * 60_000) / pauses;
  for (let n = 1; n <= JOINS; n++) {
    await delay(n * shortestMs, undefined, { signal: isOver }).catch(() => {});
    const run = await findWritingRun(environment, new SeededRandom(options.seed, n, ASPECT), isOver);
    if (run === undefined) return;
    audience.joinInRun(run.organizationId, n);
    say(`join ${n}: organization ${run.organizationId}, whose run has written ${run.written} patients`);
  }
}

/** @returns undefined when `isOver` */
async function findWritingRun({ postgres }: Environment, random: SeededRandom, isOver: AbortSignal) {
  for (; !isOver.aborted; await delay(LOOK_PAUSE_MS)) {
    const runs = await postgres.read(
      (sql) => sql<{ organizationId: number; written: number }[]>`
        select organization_id as "organizationId",
          coalesce((metadata ->> 'inserted')::int, 0) + coalesce((metadata ->> 'updated')::int, 0) as written
        from sync_logs where status = 'running' and records_processed > 0 order by written desc, id limit ${CHOICE}`,
    );
    const run = runs[random.below(runs.length)];
    if (run !== undefined) return run;
  }
  return undefined;
}
