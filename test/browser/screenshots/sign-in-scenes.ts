/** A server with accounts: the sign-in card, a rejected token, a token that may only read, and the page of a sign-in link. */
import { signIn } from '../support/sign-in.ts';
import type { Scene } from './dashboard-scenes.ts';

const CLINIC = 123;
const OTHER = 124;

const signingIn: Scene = {
  name: 'sign-in',
  auth: 'tokens',
  async play(environment, camera) {
    await environment.api('PUT', `/organizations/${CLINIC}`, { name: 'Harbour Street Clinic' });
    const shots = await camera.open(`${environment.url}/?org=${CLINIC}`);
    const everywhere = (see: (page: (typeof shots)[number]['page']) => Promise<unknown>) =>
      Promise.all(shots.map(({ page }) => see(page)));
    await everywhere((page) => page.getByLabel('Access token').waitFor());
    await camera.takeScreen(shots, this.name);

    await everywhere((page) => signIn(page, 'pst_of-another-server'));
    await everywhere((page) => page.getByRole('alert').filter({ hasText: 'not accepted' }).waitFor());
    await camera.takeScreen(shots, 'sign-in-refused');

    const reader = await environment.token({ scope: 'read', organizations: [CLINIC] });
    await everywhere((page) => signIn(page, reader));
    await everywhere((page) => page.locator('.badge[data-connection="live"]').waitFor());
    await everywhere((page) =>
      page.getByRole('button', { name: 'Start Full Sync' }).waitFor({ state: 'detached' }),
    );
    await camera.takeScreen(shots, 'sign-in-read-only');
  },
};

const forbidden: Scene = {
  name: 'sign-in-forbidden',
  auth: 'tokens',
  async play(environment, camera) {
    for (const id of [CLINIC, OTHER])
      await environment.api('PUT', `/organizations/${id}`, { name: `Clinic ${id}` });
    const token = await environment.token({ scope: 'read', organizations: [CLINIC] });
    const shots = await camera.open(`${environment.url}/?org=${OTHER}`);
    await Promise.all(shots.map(({ page }) => signIn(page, token)));
    await Promise.all(shots.map(({ page }) => page.locator('.badge', { hasText: 'No access' }).waitFor()));
    await camera.takeScreen(shots, this.name);
  },
};

const link: Scene = {
  name: 'sign-in-link',
  auth: 'tokens',
  async play(environment, camera) {
    const shots = await camera.open(`${environment.url}/sign-in#code`);
    const ready = shots.map(({ page }) =>
      page.getByRole('heading', { name: 'Sign in on this device' }).waitFor(),
    );
    await Promise.all(ready);
    await camera.takeScreen(shots, this.name);
  },
};

export const SIGN_IN_SCENES: readonly Scene[] = [signingIn, forbidden, link];
