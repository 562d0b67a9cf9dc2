/** `npm run sync -- --org 123`: starts a sync on a running server, and shows it until it ends. */
import type { ScheduleMode } from '#contract/organization.ts';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { EXIT_AFTER_SIGNAL, onEndingSignal } from '../server/ending-signals.ts';
import { readArguments, runCommand, timeoutMs, UsageError, wholeNumber } from './arguments.ts';
import { followRun, startSync } from './follow.ts';
import { explainFirstFailure, readServer, SERVER_OPTIONS, SERVER_USAGE, type Server } from './request.ts';
import { jsonLine } from './screen.ts';
import { createJsonDisplay, createRunDisplay, showRun } from './show-run.ts';

const USAGE = `Usage: npm run sync -- --org 123 [--mode full|active|changed] [--timeout 300] [--json] [--url URL] [--token TOKEN]
  --timeout SECONDS  how long the connection may be lost; then exit 3; the sync continues
  --json             one JSON object a line
${SERVER_USAGE}
Exit: 0 completed, 1 failed, 2 wrong options, 3 connection lost`;

/** Before it is pressed: a person must not fear to end the sync. */
const CTRL_C = 'Ctrl-C stops watching; the sync continues on the server.\n';

await runCommand(
  async () => {
    const values = readArguments(
      process.argv.slice(2),
      {
        org: { type: 'string' },
        mode: { type: 'string', default: 'full' },
        timeout: { type: 'string', default: '300' },
        json: { type: 'boolean', default: false },
        ...SERVER_OPTIONS,
      },
      USAGE,
    );
    if (values.org === undefined) throw new UsageError(`--org is missing.\n${USAGE}`);
    const organizationId = wholeNumber(values.org, '--org', 1, MAX_ROW_ID);
    const limitMs = timeoutMs(values.timeout);
    const mode = readMode(values.mode);
    const server = readServer(values);
    const screen = process.stdout;
    const interruption = explainInterruption(server, organizationId, values.json ? process.stderr : screen);
    const started = await startSync(server, organizationId, mode).catch((cause: unknown) => {
      throw explainFirstFailure(server, cause);
    });
    interruption.started(started.sync_log_id);
    const { already_running, sync_log_id } = started;
    if (values.json)
      screen.write(
        jsonLine({ type: 'started', organization_id: organizationId, sync_log_id, already_running }),
      );
    else
      screen.write(
        `${already_running ? 'A sync is running already: watching it' : 'Sync started'} (organization ${organizationId}, run ${sync_log_id})\n${screen.isTTY ? CTRL_C : ''}`,
      );
    const display = (values.json ? createJsonDisplay : createRunDisplay)(screen);
    return await showRun(
      followRun(server, organizationId, sync_log_id, { handlers: display, limitMs }),
      display,
    );
  },
  { endsWithReader: true },
);

function readMode(text: string): ScheduleMode {
  if (text === 'full' || text === 'active' || text === 'changed') return text;
  throw new UsageError(`--mode must be full, active or changed; it was "${text}".`);
}

/** The sync runs on the server, and continues when a person stops watching it. This output says so. */
function explainInterruption({ url, token }: Server, organizationId: number, output: NodeJS.WriteStream) {
  let syncLogId: number | undefined;
  onEndingSignal((signal) => {
    const header = token === undefined ? '' : '-H "Authorization: Bearer $PATIENT_SYNC_TOKEN" ';
    const what =
      syncLogId === undefined
        ? 'The server has not answered yet; the sync may have started.'
        : `The sync continues (organization ${organizationId}, run ${syncLogId}).`;
    const lines = [what, `  Watch it:  npm run watch -- --org ${organizationId} --url ${url}`];
    if (syncLogId !== undefined) {
      lines.push(
        `  Cancel it: curl -X POST ${header}${url}/api/v1/cliniko/sync-logs/${organizationId}/${syncLogId}/cancel`,
      );
    }
    output.write(`\n${lines.join('\n')}\n`, () => process.exit(EXIT_AFTER_SIGNAL[signal]));
  });
  return {
    started(id: number): void {
      syncLogId = id;
    },
  };
}
