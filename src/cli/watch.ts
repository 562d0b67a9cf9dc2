/** `npm run watch -- --org 123` or `-- --all`: shows the syncs of a running server, whatever starts them, until Ctrl-C. */
import type { StreamEvent } from '#contract/stream-event.ts';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { onEndingSignal } from '../server/ending-signals.ts';
import { readArguments, runCommand, timeoutMs, UsageError, wholeNumber } from './arguments.ts';
import type { ConnectionHandlers } from './connection-monitor.ts';
import {
  EVERYTHING_QUESTION,
  type EverythingHandlers,
  followEverything,
  followOrganization,
  organizationQuestion,
} from './follow.ts';
import { readNames } from './organization-names.ts';
import { readServer, requireServer, SERVER_OPTIONS, SERVER_USAGE, type Server } from './request.ts';
import { jsonConnectionLines, jsonLine, type Screen } from './screen.ts';
import { showEverything } from './show-everything.ts';
import { createJsonDisplay, createRunDisplay, showRuns } from './show-run.ts';

const USAGE = `Usage: npm run watch -- --org 123 | --all [--timeout SECONDS] [--json] [--url URL] [--token TOKEN]
  --timeout SECONDS  how long the connection may be lost, then exit 3; without it, it waits without a limit
  --json             one JSON object a line
${SERVER_USAGE}`;

await runCommand(
  async () => {
    const values = readArguments(
      process.argv.slice(2),
      {
        org: { type: 'string' },
        all: { type: 'boolean', default: false },
        timeout: { type: 'string' },
        json: { type: 'boolean', default: false },
        ...SERVER_OPTIONS,
      },
      USAGE,
    );
    if (values.all === (values.org !== undefined)) {
      throw new UsageError(`Give either --org or --all.\n${USAGE}`);
    }
    const server = readServer(values);
    const limitMs = values.timeout === undefined ? Number.POSITIVE_INFINITY : timeoutMs(values.timeout);
    endOnCtrlC();
    if (values.org === undefined) {
      const shown = values.json
        ? jsonEverything(process.stdout)
        : showEverything(process.stdout, () => readNames(server));
      await requireServer(server, EVERYTHING_QUESTION);
      if (!values.json) explainCtrlC();
      return followEverything(server, shown, { handlers: shown, limitMs });
    }
    const organizationId = wholeNumber(values.org, '--org', 1, MAX_ROW_ID);
    await watchOrganization(server, organizationId, limitMs, values.json);
    return 0;
  },
  { endsWithReader: true },
);

/** A person must not fear to end a sync. */
function explainCtrlC(): void {
  if (process.stdout.isTTY) process.stdout.write('Ctrl-C stops watching; syncs continue on the server.\n');
}

async function watchOrganization(
  server: Server,
  organizationId: number,
  limitMs: number,
  isJson: boolean,
): Promise<void> {
  const screen: Screen = process.stdout;
  await requireServer(server, organizationQuestion(organizationId));
  const follow = (handlers: ConnectionHandlers) =>
    followOrganization(server, organizationId, { handlers, limitMs });
  if (isJson) {
    const json = createJsonDisplay(screen);
    for await (const log of follow(json)) json.show(log);
    return;
  }
  const display = createRunDisplay(screen);
  const logs = follow(display);
  explainCtrlC();
  await showRuns(logs, screen, display);
}

function jsonEverything(screen: Screen): EverythingHandlers & ConnectionHandlers {
  return {
    ...jsonConnectionLines(screen),
    onConnected: () => {},
    onEvent: (event: StreamEvent) => screen.write(jsonLine(event)),
  };
}

/** Ctrl-C is the normal end of watching. A terminal shows `^C` at the cursor, so a new line follows. */
function endOnCtrlC(): void {
  onEndingSignal(() => {
    if (process.stdout.isTTY) process.stdout.write('\n');
    process.exit(0);
  });
}
