/** What must not leak: data of patients into metrics and logs, and memory, sockets and sessions of the servers. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Environment } from './environment.ts';
import type { Findings } from './findings.ts';
import { expectNoPatientData } from './patient-data.ts';
import type { SoakPostgres } from './postgres.ts';
import { type Held, type MemoryQuarters, readHeld } from './resources.ts';

const METRICS = 'metrics contain no patient data';
const POSTGRES_LOG = 'the log of PostgreSQL contains no patient data';
const MEMORY = 'the memory of a server does not grow';
const SOCKETS = 'a server at rest has released its sockets';
const SESSIONS = 'servers at rest have no more database sessions than in their pools';

/** Between the second and the last quarter of the run. Clinics grow a little, and V8 collects garbage late. */
const GROWTH = 1.4;
const GROWTH_MB = 40;
/** Minutes. Before that the heap grows to its usual size. */
const SHORTEST_FOR_MEMORY = 5;
/** Of one server: the pool, the listener, and one connection each for events, nudges and changes. */
const SESSIONS_OF_SERVER = 10 + 6;
/** Connections that are kept for the next request close after that. */
const RELEASED_WITHIN_MS = 60_000;

export async function checkMetrics({ servers, findings }: Environment): Promise<void> {
  for (const { name, url } of servers)
    checkMetricsText(findings, name, await (await fetch(`${url}/metrics`)).text());
}

/** A text without our metrics, such as an error, fails the check. */
export function checkMetricsText(findings: Findings, server: string, text: string): void {
  if (text.includes('patient_sync_')) expectNoPatientData(findings, METRICS, server, text);
  else findings.fail(METRICS, `${server} answers without metrics: ${text.slice(0, 200)}`);
}

/** A log that cannot be read or is empty fails the check: PostgreSQL reports at least its start. */
export async function checkPostgresLog(
  findings: Findings,
  { log }: Pick<SoakPostgres, 'log'>,
): Promise<void> {
  const text = await log().catch((error: unknown) => {
    findings.fail(POSTGRES_LOG, `it cannot be read: ${error}`);
  });
  if (text === undefined) return;
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) findings.fail(POSTGRES_LOG, 'it is empty');
  for (const line of lines) expectNoPatientData(findings, POSTGRES_LOG, 'PostgreSQL', line);
}

/** Waits until the servers have released what the run needed. @returns what they still hold; undefined when it is not measured */
export async function checkRest(
  environment: Environment,
  start: Held | undefined,
): Promise<Held | undefined> {
  const { findings, servers } = environment;
  for (const deadline = performance.now() + RELEASED_WITHIN_MS; ; await delay(1_000)) {
    const end = await readHeld(environment);
    if (start === undefined || end === undefined) return end;
    const limits = limitsOf(start, servers.length);
    const isReleased = end.sockets <= limits.sockets && end.sessions <= limits.sessions;
    if (!isReleased && performance.now() < deadline) continue;
    checkHeld(findings, { start, end }, servers.length);
    return end;
  }
}

const limitsOf = (start: Held, servers: number) => ({
  sockets: start.sockets + SESSIONS_OF_SERVER,
  sessions: servers * SESSIONS_OF_SERVER,
});

export function checkHeld(
  findings: Findings,
  { start, end }: { start: Held; end: Held },
  servers: number,
): void {
  const { sockets, sessions } = limitsOf(start, servers);
  findings.expect(SOCKETS, end.sockets <= sockets, () => `${start.sockets}, then ${end.sockets}`);
  findings.expect(SESSIONS, end.sessions <= sessions, () => `${end.sessions} of at most ${sessions}`);
}

/** @param quarters undefined: without samples the check is left out, and the report says so */
export function checkMemory(findings: Findings, minutes: number, quarters: MemoryQuarters | undefined): void {
  if (minutes < SHORTEST_FOR_MEMORY || quarters === undefined) return;
  const { second, last } = quarters;
  findings.expect(MEMORY, last <= second * GROWTH + GROWTH_MB, () => `${second} MB, then ${last} MB`);
}
