/** What must not leak: data of patients into metrics and logs, and memory, sockets and sessions of the servers. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Environment } from './environment.ts';
import { findPatientData } from './patient-data.ts';
import type { Holding } from './report.ts';
import { type Held, readHeld } from './resources.ts';

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
  for (const { name, url } of servers) {
    const text = await (await fetch(`${url}/metrics`)).text();
    const found = findPatientData(text);
    findings.expect(
      METRICS,
      found === undefined && text.includes('patient_sync_'),
      () => `${name}: ${found}`,
    );
  }
}

export async function checkPostgresLog({ postgres, findings }: Environment): Promise<void> {
  for (const line of (await postgres.log()).split('\n')) {
    const found = findPatientData(line);
    findings.expect(POSTGRES_LOG, found === undefined, () => `${found}`);
  }
}

/** Waits until the servers have released what the run needed. @returns what they still hold */
export async function checkRest(
  environment: Environment,
  start: Held | undefined,
): Promise<Held | undefined> {
  const { findings, servers } = environment;
  const sessions = servers.length * SESSIONS_OF_SERVER;
  for (const deadline = performance.now() + RELEASED_WITHIN_MS; ; await delay(1_000)) {
    const held = await readHeld(environment);
    if (start === undefined || held === undefined) return held;
    const mostSockets = start.sockets + SESSIONS_OF_SERVER;
    const isReleased = held.sockets <= mostSockets && held.sessions <= sessions;
    if (!isReleased && performance.now() < deadline) continue;
    findings.expect(SOCKETS, held.sockets <= mostSockets, () => `${start.sockets}, then ${held.sockets}`);
    findings.expect(SESSIONS, held.sessions <= sessions, () => `${held.sessions} of at most ${sessions}`);
    return held;
  }
}

export function checkMemory({ findings, options }: Environment, { second, last }: Holding['quarters']): void {
  if (options.minutes < SHORTEST_FOR_MEMORY) return;
  findings.expect(MEMORY, last <= second * GROWTH + GROWTH_MB, () => `${second} MB, then ${last} MB`);
}
