/** `npm run watch -- --org 123` or `-- --all`: shows the syncs of a running server, whoever starts them, until Ctrl-C. */
import { readArguments, runCommand, UsageError, wholeNumber } from './arguments.ts';
import { followOrganization } from './follow.ts';
import { followEverything } from './follow-everything.ts';
import { nobodyAnswers, request, type Server } from './request.ts';
import { showEverything } from './show-everything.ts';
import { showRuns } from './show-run.ts';

const USAGE = 'Usage: npm run watch -- --org 123 | --all [--url http://localhost:8000] [--token TOKEN]';

await runCommand(async () => {
  const values = readArguments(
    process.argv.slice(2),
    {
      org: { type: 'string' },
      all: { type: 'boolean', default: false },
      url: { type: 'string', default: 'http://localhost:8000' },
      token: { type: 'string' },
    },
    USAGE,
  );
  if (values.all === (values.org !== undefined)) {
    throw new UsageError(`Give either --org or --all.\n${USAGE}`);
  }
  const server = { url: values.url.replace(/\/+$/, ''), token: values.token };
  if (values.org === undefined) {
    endOnCtrlC();
    return followEverything(server, showEverything(process.stdout));
  }
  const organizationId = wholeNumber(values.org, '--org', 1, 2_147_483_647);
  endOnCtrlC();
  await requireServer(server, organizationId);
  await showRuns(followOrganization(server, organizationId), process.stdout);
  return 0;
});

/** Once it is being watched, a server may go away and come back; one that was never there is a mistake. */
async function requireServer(server: Server, organizationId: number): Promise<void> {
  await request(server, `/sync-logs/${organizationId}?limit=1`, {}).catch((cause: unknown) => {
    throw cause instanceof TypeError ? nobodyAnswers(server, cause) : cause;
  });
}

/** Watching has no other end, so it is a good one. A terminal shows `^C` where the cursor is: what follows begins anew. */
function endOnCtrlC(): void {
  const end = (): void => {
    if (process.stdout.isTTY) process.stdout.write('\n');
    process.exit(0);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}
