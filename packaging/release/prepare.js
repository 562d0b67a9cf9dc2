/**
 * `prepare` of npm: builds after `npm ci` in a checkout.
 *
 * `npm ci --omit=dev`, and `npm ci` with NODE_ENV=production, install no build tools. The installation then succeeds without
 * a build, because `dist/` may come from another step; the commands report it when it is missing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

// The first `npx patient-sync` in a checkout runs `prepare` too: a build would empty dist/ below the servers that run from it.
if (process.env.npm_command === 'exec' && existsSync(`${ROOT}dist/main.js`)) process.exit();

if (existsSync(`${ROOT}node_modules/vite`)) {
  const { status } = spawnSync('npm run build', { cwd: ROOT, stdio: 'inherit', shell: true });
  process.exitCode = status ?? 1;
} else {
  process.stdout.write(
    'Not built: the packages that build are left out. Where dist/ does not exist, run: npm ci --include=dev\n',
  );
}
