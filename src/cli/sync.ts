/** `npm run sync -- --org 123`: starts a sync on a running server, and shows it until it ends. */
import { readArguments, runCommand, UsageError, wholeNumber } from './arguments.ts';
import { followRun, type SyncMode, startSync } from './follow.ts';
import { nobodyAnswers } from './request.ts';
import { showRun } from './show-run.ts';

const USAGE =
  'Usage: npm run sync -- --org 123 [--mode full|active|changed] [--url http://localhost:8000] [--token TOKEN]';

await runCommand(async () => {
  const values = readArguments(
    process.argv.slice(2),
    {
      org: { type: 'string' },
      mode: { type: 'string', default: 'full' },
      url: { type: 'string', default: 'http://localhost:8000' },
      token: { type: 'string' },
    },
    USAGE,
  );
  if (values.org === undefined) throw new UsageError(`--org is missing.\n${USAGE}`);
  const organizationId = wholeNumber(values.org, '--org', 1, 2_147_483_647);
  const server = { url: values.url.replace(/\/+$/, ''), token: values.token };
  const started = await startSync(server, organizationId, readMode(values.mode)).catch((cause: unknown) => {
    throw cause instanceof TypeError ? nobodyAnswers(server, cause) : cause;
  });
  const what = started.already_running ? 'A sync is running already: watching it' : 'Sync started';
  process.stdout.write(`${what} (organization ${organizationId}, run ${started.sync_log_id})\n`);
  return showRun(followRun(server, organizationId, started.sync_log_id), process.stdout);
});

function readMode(text: string): SyncMode {
  if (text === 'full' || text === 'active' || text === 'changed') return text;
  throw new UsageError(`--mode must be full, active or changed; it was "${text}".`);
}
