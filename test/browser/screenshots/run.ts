/**
 * `npm run screenshots`: every page in every state, light and dark, on a desktop and on a phone, into docs/screenshots/.
 * With names, only the scenes whose name begins so: `npm run screenshots -- dashboard-waiting ops`.
 */
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { launchChromium } from '../support/chromium.ts';
import { openCamera } from './camera.ts';
import { DASHBOARD_SCENES } from './dashboard-scenes.ts';
import { openScreenshotEnvironments } from './environment.ts';
import { OPS_SCENES } from './ops-scenes.ts';
import { SIGN_IN_SCENES } from './sign-in-scenes.ts';

const FOLDER = fileURLToPath(new URL('../../../docs/screenshots', import.meta.url));

const wanted = process.argv.slice(2);
const scenes = [...DASHBOARD_SCENES, ...OPS_SCENES, ...SIGN_IN_SCENES].filter(
  ({ name }) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)),
);

await mkdir(FOLDER, { recursive: true });
const environments = await openScreenshotEnvironments();
const browser = await launchChromium();
const camera = await openCamera(browser, FOLDER);
try {
  for (const scene of scenes) {
    process.stdout.write(`${scene.name} …\n`);
    const environment = await environments.openEnvironment(scene.auth);
    await scene.play(environment, camera);
    await camera.close();
    await environment.close();
  }
} finally {
  await browser.close();
  await environments.close();
}
