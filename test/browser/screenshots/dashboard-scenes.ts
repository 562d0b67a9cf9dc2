/** The dashboard in each of its states, and the run page. Everything on them really happened, except past runs. */
import type { Camera, Shot } from './camera.ts';
import type { Environment } from './environment.ts';
import { createPastRuns } from './past-runs.ts';

export interface Scene {
  name: string;
  /** For its server; default: no accounts. */
  auth?: 'none' | 'tokens';
  play(environment: Environment, camera: Camera): Promise<void>;
}

const CLINIC = 123;
const START = `/cliniko/sync-all/${CLINIC}`;

async function settle(environment: Environment): Promise<void> {
  await register(environment);
  await createPastRuns(environment, CLINIC);
}

async function register(environment: Environment): Promise<void> {
  await environment.api('PUT', `/organizations/${CLINIC}`, {
    name: 'Harbour Street Clinic',
    schedule: { cron: '30 2 * * *', time_zone: 'Australia/Sydney' },
  });
  await environment.api('PUT', `/organizations/${CLINIC}/cliniko-credentials`, {
    api_key: environment.cliniko.apiKey,
  });
}

const openDashboard = (environment: Environment, camera: Camera) =>
  camera.open(`${environment.url}/?org=${CLINIC}`);

const everywhere = (shots: readonly Shot[], see: (shot: Shot) => Promise<unknown>) =>
  Promise.all(shots.map(see));

const hasStatus = (status: string) => (shot: Shot) =>
  shot.page.locator(`.sync-monitor[data-status="${status}"]`).waitFor();

const isLive = ({ page }: Shot) => page.locator('.badge[data-connection="live"]').waitFor();

const hasCharts = ({ page }: Shot) => page.locator('.plot svg').nth(2).waitFor();

/** Waits until the bars reach this percentage. */
const hasCome = (percent: number) => (shot: Shot) =>
  shot.page.waitForFunction((least) => {
    const bar = document.querySelector('.sync-monitor [role=progressbar]');
    return Number(bar?.getAttribute('aria-valuenow')) >= least;
  }, percent);

/** At the rate that Cliniko's limit allows: 333 patients a second. */
async function sync(environment: Environment): Promise<void> {
  environment.cliniko.behaviour.latencyMs = 1_200;
  await environment.api('POST', START);
  for (;;) {
    const [row] =
      await environment.sql`select 1 from sync_logs where organization_id = ${CLINIC} and status = 'running'`;
    if (row === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const idle: Scene = {
  name: 'dashboard-idle',
  async play(environment, camera) {
    await register(environment);
    const shots = await openDashboard(environment, camera);
    await everywhere(shots, isLive);
    await camera.take(shots, this.name);
  },
};

const running: Scene = {
  name: 'dashboard-running',
  async play(environment, camera) {
    await settle(environment);
    await sync(environment);
    const { people, behaviour } = environment.cliniko;
    for (const id of [...people.ids()].filter((_, index) => index % 23 === 0)) people.edit(id);
    people.add(37);
    behaviour.latencyMs = 2_600;
    const shots = await openDashboard(environment, camera);
    await everywhere(shots, isLive);
    await everywhere(shots, hasCharts);
    await environment.api('POST', START);
    await everywhere(shots, hasCome(40));
    await camera.take(shots, this.name);
    const [desktop] = shots;
    await desktop?.page.getByRole('button', { name: 'Cancel sync' }).click();
    await desktop?.page.getByRole('alertdialog').waitFor();
    await camera.takeScreen(shots.slice(0, 1), 'dashboard-cancel');
  },
};

const waiting: Scene = {
  name: 'dashboard-waiting',
  async play(environment, camera) {
    await settle(environment);
    await sync(environment);
    environment.cliniko.behaviour.latencyMs = 300;
    environment.cliniko.faults.onPage(12, { kind: 'rate-limited', reset: 50 });
    const shots = await openDashboard(environment, camera);
    await everywhere(shots, hasCharts);
    await environment.api('POST', START);
    await everywhere(shots, ({ page }) => page.locator('.countdown').waitFor());
    await camera.take(shots, this.name);
  },
};

const completed: Scene = {
  name: 'dashboard-completed',
  async play(environment, camera) {
    await settle(environment);
    const shots = await openDashboard(environment, camera);
    await sync(environment);
    await everywhere(shots, hasStatus('completed'));
    await everywhere(shots, hasCharts);
    await camera.take(shots, this.name);
    await everywhere(shots, ({ page }) => page.getByRole('button', { name: 'Settings' }).click());
    await everywhere(shots, ({ page }) => page.getByRole('dialog').waitFor());
    await camera.takeScreen(shots, 'dashboard-settings');
    await environment.stopServer();
    await everywhere(shots, ({ page }) => page.keyboard.press('Escape'));
    await everywhere(shots, ({ page }) => page.locator('.badge[data-connection="offline"]').waitFor());
    await camera.take(shots, 'dashboard-offline');
  },
};

const partlyFailed: Scene = {
  name: 'dashboard-partly-failed',
  async play(environment, camera) {
    await settle(environment);
    await environment.api('PUT', `/organizations/${CLINIC}`, { validation: { phone: 'reject' } });
    const shots = await openDashboard(environment, camera);
    await sync(environment);
    await everywhere(shots, hasStatus('completed'));
    await everywhere(shots, ({ page }) => page.locator('.check-reasons li').first().waitFor());
    await everywhere(shots, hasCharts);
    await camera.take(shots, this.name);
  },
};

const failed: Scene = {
  name: 'dashboard-failed',
  async play(environment, camera) {
    await settle(environment);
    await sync(environment);
    environment.cliniko.behaviour.access = 'unauthorised';
    const shots = await openDashboard(environment, camera);
    await environment.api('POST', START);
    await everywhere(shots, hasStatus('failed'));
    await everywhere(shots, hasCharts);
    await camera.take(shots, this.name);
  },
};

const held: Scene = {
  name: 'dashboard-held',
  async play(environment, camera) {
    await settle(environment);
    await sync(environment);
    for (const id of [...environment.cliniko.people.ids()].slice(0, 64))
      environment.cliniko.people.hardDelete(id);
    await sync(environment);
    const shots = await openDashboard(environment, camera);
    await everywhere(shots, ({ page }) => page.locator('.held').waitFor());
    await everywhere(shots, hasCharts);
    await camera.take(shots, this.name);
    await everywhere(shots, ({ page }) => page.getByRole('link', { name: 'Decide about them' }).click());
    await everywhere(shots, ({ page }) => page.locator('#HELD .check-id').first().waitFor());
    await camera.take(shots, 'patients-to-check');
  },
};

const run: Scene = {
  name: 'run',
  async play(environment, camera) {
    await settle(environment);
    environment.cliniko.faults.onPage(12, { kind: 'rate-limited', reset: 3, times: 1 });
    await sync(environment);
    const [last] =
      await environment.sql`select max(id) as id from sync_logs where organization_id = ${CLINIC}`;
    const shots = await camera.open(`${environment.url}/?org=${CLINIC}&run=${last?.id}`);
    await everywhere(shots, async ({ page }) => {
      const scrubber = page.getByRole('slider', { name: 'Moment of the run' });
      await scrubber.press('Home');
      for (let press = 0; press < 6; press += 1) await scrubber.press('PageUp');
    });
    await camera.take(shots, this.name);
  },
};

const notRegistered: Scene = {
  name: 'dashboard-not-registered',
  async play(environment, camera) {
    const shots = await openDashboard(environment, camera);
    await everywhere(shots, ({ page }) => page.locator('.not-registered').waitFor());
    await camera.take(shots, this.name);
  },
};

const choose: Scene = {
  name: 'choose',
  async play(environment, camera) {
    await register(environment);
    await environment.api('PUT', '/organizations/124', { name: 'Wattle Grove Physiotherapy' });
    const shots = await camera.open(environment.url);
    await everywhere(shots, ({ page }) => page.locator('.registered-link').first().waitFor());
    await camera.take(shots, this.name);
  },
};

export const DASHBOARD_SCENES: readonly Scene[] = [
  idle,
  running,
  waiting,
  completed,
  partlyFailed,
  failed,
  held,
  run,
  notRegistered,
  choose,
];
