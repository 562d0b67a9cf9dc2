/** `npm run db:import-legacy`: see import-legacy-history.ts. */
import { runCommand } from './arguments.ts';
import { importLegacyHistory } from './import-legacy-history.ts';

await runCommand(() => importLegacyHistory(process.argv.slice(2), process.env, process.stdout));
