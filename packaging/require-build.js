/** Loaded before a command of the build (`node --import`): names the missing step instead of a module that is not found. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// Relative to this package: node has not resolved the entry yet when it is missing.
const built = fileURLToPath(new URL('../dist/main.js', import.meta.url));
if (!existsSync(built)) {
  process.stderr.write('Patient Sync is not built (dist/ is missing). Run: npm run build\n');
  process.exit(1);
}
