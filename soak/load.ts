/** Starts runs of all modes all the time, and cancels a few. */
import { setTimeout as delay } from 'node:timers/promises';
import { LAST_NAMES } from '../src/cliniko-simulator/name-lists.ts';
import { type Choice, SeededRandom } from '../src/cliniko-simulator/seeded-random.ts';
import type { Environment } from './environment.ts';
import { expectNoPatientData } from './patient-data.ts';
import { addressesFrom } from './servers.ts';

const MODES: Choice<'sync-all' | 'sync-changed' | 'sync-active'> = [
  'sync-all',
  'sync-all',
  'sync-all',
  'sync-changed',
  'sync-active',
];
/** Runs side by side. More would only wait for the processor. */
const RUNNING_AT_MOST = 10;
const CANCELLED_SHARE = 0.005;
const SEARCHED_SHARE = 0.05;
const PAUSE_MS = 200;
const CALLERS = 4;
const ANSWER_WITHIN_MS = 4_000;
/** And the next numbers, one for each caller. */
const ASPECT = 79;

const NO_PATIENT_DATA = 'answers and errors of the API contain no patient data';

/** Until `isOver`. Several callers, because a frozen server keeps its caller waiting. */
export async function startRuns(environment: Environment, isOver: AbortSignal): Promise<void> {
  await Promise.all(
    Array.from({ length: CALLERS }, (_, caller) => keepStarting(environment, caller, isOver)),
  );
}

async function keepStarting(environment: Environment, caller: number, isOver: AbortSignal): Promise<void> {
  const { organizations, options } = environment;
  for (let n = 1; !isOver.aborted; n++) {
    const random = new SeededRandom(options.seed, n, ASPECT + caller);
    const { running, never } = await readRunning(environment);
    const idle = organizations.filter((id) => !running.has(id));
    // First every clinic once, the largest first.
    const id = never[random.below(CALLERS)] ?? never[0] ?? idle[random.below(idle.length)];
    const mode = never.length > 0 ? 'sync-all' : random.pick(MODES);
    if (running.size < RUNNING_AT_MOST && id !== undefined)
      await post(environment, `/${mode}/${id}`, random.below(options.servers));
    const [cancelled] = running;
    if (random.chance(SEARCHED_SHARE)) await searchPatients(environment, random);
    if (cancelled !== undefined && random.chance(CANCELLED_SHARE))
      await post(
        environment,
        `/sync-logs/${cancelled[0]}/${cancelled[1]}/cancel`,
        random.below(options.servers),
      );
    await delay(PAUSE_MS);
  }
}

/** `running`: the run of each clinic that has one. `never`: clinics without any run. */
async function readRunning({ postgres, organizations }: Environment) {
  const rows = await postgres.read(
    (sql) => sql<{ organization_id: number; id: number | null }[]>`
      select organization_id, max(id) filter (where status = 'running') as id from sync_logs group by organization_id`,
  );
  const running = new Map(
    rows.flatMap(({ organization_id: of, id }) => (id === null ? [] : [[of, id] as const])),
  );
  const known = new Set(rows.map(({ organization_id: of }) => of));
  return { running, never: organizations.filter((id) => !known.has(id)) };
}

/** With a name in the address: the servers' logs may not contain it. */
async function searchPatients({ servers, organizations }: Environment, random: SeededRandom): Promise<void> {
  const id = organizations[random.below(organizations.length)];
  const query = new URLSearchParams({ search: random.pick(LAST_NAMES), limit: '5' });
  const url = `${servers[random.below(servers.length)]?.url}/api/v1/cliniko/patients/${id}?${query}`;
  await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    .then((answer) => answer.text())
    .catch(() => '');
}

/**
 * Asks one server after another until one answers.
 *
 * @param answerWithinMs longer when no server is frozen any more
 */
export async function post(
  { servers, findings }: Environment,
  path: string,
  first = 0,
  answerWithinMs = ANSWER_WITHIN_MS,
): Promise<void> {
  for (const address of addressesFrom(servers, first)) {
    const url = `${address}/api/v1/cliniko${path}`;
    const signal = AbortSignal.timeout(answerWithinMs);
    const answer = await fetch(url, { method: 'POST', signal }).catch(() => undefined);
    const text = await answer?.text().catch(() => '');
    if (answer === undefined || text === undefined) continue;
    expectNoPatientData(findings, NO_PATIENT_DATA, `POST ${path}`, text);
    if (answer.ok) return;
  }
}
