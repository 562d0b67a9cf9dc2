/** How long a run waits when its server is killed: from SIGKILL to the claim by another server. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { RENEW_EVERY_MS } from '../src/sync/lease.ts';
import { type Environment, ORGANIZATION, openEnvironment, settingsOf, startCliniko } from './environment.ts';
import { end } from './processes.ts';
import { progress } from './rounds.ts';
import { type ServerProcess, startServerProcess } from './server-processes.ts';

/** A run of this clinic outlasts all kills. */
const CLINIC = { patients: 50_000, latencyMs: 1_000 };
const LOOK_EVERY_MS = 10;
/** A benchmark must end. */
const GIVE_UP_MS = 60_000;

/** @returns milliseconds, one for each kill */
export async function takeoverTimes(kills: number): Promise<number[]> {
  progress(`${kills} servers killed …`);
  const environment = await openEnvironment();
  const { cliniko, end: endCliniko } = await startCliniko(CLINIC);
  const settings = settingsOf(cliniko);
  let owner = await startServerProcess(environment.url, settings);
  const times: number[] = [];
  try {
    await fetch(`${owner.url}/api/v1/cliniko/sync-all/${ORGANIZATION}`, { method: 'POST' });
    for (let attempt = 1; attempt <= kills; attempt++) {
      await claimed(environment, attempt);
      const next = await startServerProcess(environment.url, settings);
      // At any moment between two renewals of the lease.
      await delay(Math.random() * RENEW_EVERY_MS);
      if ((await attemptOf(environment)) !== attempt)
        throw new Error('A server that lives has lost its run.');
      const began = performance.now();
      await kill(owner);
      owner = next;
      await claimed(environment, attempt + 1);
      times.push(performance.now() - began);
    }
    return times;
  } finally {
    await end(owner.child);
    endCliniko();
    await environment.close();
  }
}

async function kill({ child }: ServerProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function claimed(environment: Environment, attempt: number): Promise<void> {
  for (const until = performance.now() + GIVE_UP_MS; performance.now() < until; await delay(LOOK_EVERY_MS)) {
    if ((await attemptOf(environment)) >= attempt) return;
  }
  throw new Error(`Attempt ${attempt} did not begin within ${GIVE_UP_MS} ms.`);
}

/** Of the run that is open. */
async function attemptOf({ database: { sql } }: Environment): Promise<number> {
  const [run] = await sql<{ attempt: number }[]>`select attempt from sync_runs where ended_at is null`;
  return run?.attempt ?? 0;
}
