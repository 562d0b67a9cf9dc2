/** The ops console on a busy morning. Its runs are rows of an external writer. */

import { endRuns, startRuns, stepRuns } from '../support/external-runs.ts';
import type { Scene } from './dashboard-scenes.ts';
import type { Environment } from './environment.ts';
import { insertRun } from './past-runs.ts';

const FIRST = [
  'Harbour Street',
  'Wattle Grove',
  'Northside',
  'Banksia',
  'Riverbend',
  'Eastern Beach',
  'Kookaburra',
];
const SECOND = ['Clinic', 'Physiotherapy', 'Osteopathy', 'Podiatry', 'Family Practice', 'Sports Medicine'];
const ORGANIZATIONS = 84;
const RUNNING = 22;
const SECONDS = 26;
const STEPS_A_SECOND = 4;

const nameOf = (index: number) =>
  `${FIRST[index % FIRST.length]} ${SECOND[Math.floor(index / FIRST.length) % SECOND.length]}${index < 42 ? '' : ' North'}`;

const ids = Array.from({ length: ORGANIZATIONS }, (_, index) => 101 + index);
const runningIds = ids.slice(0, RUNNING);

async function populate(environment: Environment): Promise<void> {
  for (const [index, organizationId] of ids.entries()) {
    await environment.api('PUT', `/organizations/${organizationId}`, { name: nameOf(index) });
    if (index < RUNNING || index % 9 === 8) continue;
    const startedAt = new Date(Date.now() - (index * 4 + 3) * 60_000);
    const processed = 240 + ((index * 613) % 5_200);
    const error = errorOf(index);
    await insertRun(environment, {
      organizationId,
      startedAt,
      seconds: Math.round(processed / 55) + 4,
      operation: index % 3 === 0 ? 'changed_patients' : 'full_patients',
      processed: error === undefined ? processed : 0,
      failed: error === undefined && index % 11 === 0 ? 3 : 0,
      ...(error === undefined ? {} : { error }),
    });
  }
}

const BROKEN = { type: 'CLINIKO_UNAVAILABLE', details: 'Cliniko does not answer: 503' };
const LOCKED_OUT = {
  type: 'CLINIKO_AUTH_FAILED',
  details: 'Cliniko API authentication failed: Invalid API key',
};

function errorOf(index: number) {
  if (index === 30 || index === 61) return LOCKED_OUT;
  return index === 47 ? BROKEN : undefined;
}

/** Uses the engine's steps, so that counters, rate and events match real runs. */
async function work(environment: Environment): Promise<void> {
  await startRuns(environment.sql, runningIds, 6_000);
  for (let step = 0; step < SECONDS * STEPS_A_SECOND; step += 1) {
    await stepRuns(environment.sql, runningIds, step);
    if (step % 13 === 12)
      await endRuns(
        environment.sql,
        [ids[Math.floor(step / 13) * 2] ?? 0],
        step % 4 === 0 ? BROKEN : undefined,
      );
    await new Promise((resolve) => setTimeout(resolve, 1_000 / STEPS_A_SECOND));
  }
}

const busy: Scene = {
  name: 'ops',
  async play(environment, camera) {
    await populate(environment);
    const shots = await camera.open(`${environment.url}/ops`);
    await Promise.all(shots.map(({ page }) => page.locator('tr[data-organization]').first().waitFor()));
    await work(environment);
    await camera.takeScreen(shots, this.name);
    const [desktop] = shots;
    await desktop?.page.keyboard.press('?');
    await desktop?.page.getByRole('dialog').waitFor();
    await camera.takeScreen(shots.slice(0, 1), 'ops-keys');
    await desktop?.page.keyboard.press('Escape');
    await environment.stopServer();
    await Promise.all(shots.map(({ page }) => page.locator('.badge[data-connection="offline"]').waitFor()));
    await Promise.all(shots.map(({ page }) => page.locator('.light[data-tone="bad"]').waitFor()));
    await camera.takeScreen(shots, 'ops-offline');
  },
};

const idle: Scene = {
  name: 'ops-idle',
  async play(environment, camera) {
    const shots = await camera.open(`${environment.url}/ops`);
    await Promise.all(shots.map(({ page }) => page.locator('.badge[data-connection="live"]').waitFor()));
    await Promise.all(shots.map(({ page }) => page.locator('.light[data-tone="good"]').first().waitFor()));
    await camera.take(shots, this.name);
  },
};

export const OPS_SCENES: readonly Scene[] = [idle, busy];
