/**
 * `npx patient-sync overview`: one line for each organization of a running server. Exit code 2 when something is overdue, so that
 * cron and a health check can call it.
 */
import { formatCount } from '#contract/count.ts';
import { formatDuration } from '#contract/duration.ts';
import {
  OVERDUE_HEADER,
  OVERVIEW_STATES,
  Overview,
  type OverviewRow,
  OverviewState,
} from '#contract/overview.ts';
import { terminalText } from '../logging/terminal-text.ts';
import { readArguments, runCommand, UsageError } from './arguments.ts';
import {
  explainFirstFailure,
  readServer,
  request,
  SERVER_OPTIONS,
  SERVER_USAGE,
  type Server,
} from './request.ts';
import { type Colour, jsonLine, type Paint, paintFor, type Screen } from './screen.ts';

const USAGE = `Usage: npx patient-sync overview [--state STATE …] [--json] [--url URL] [--token TOKEN]
  --state STATE  only organizations in this state; may be repeated: ${OVERVIEW_STATES.join(', ')}
  --json         one JSON object a line, as in GET /api/v1/overview
Exit codes: 0 nothing is overdue (or everything is paused), 1 the command failed, 2 something is overdue (or wrong options)
${SERVER_USAGE}`;

const EXIT_OVERDUE = 2;

/** Exit code 0 would else look as if all were well. */
const PAUSED =
  'Everything is paused, so nothing counts as overdue. An administrator resumes it on /ops or with PUT /api/v1/pause.\n';

const COLOURS: Record<OverviewState, Colour> = {
  running: 'cyan',
  queued: 'cyan',
  paused: 'grey',
  failed: 'red',
  overdue: 'red',
  held: 'yellow',
  with_errors: 'yellow',
  never: 'grey',
  ok: 'green',
};

await runCommand(
  async () => {
    const values = readArguments(
      process.argv.slice(2),
      {
        state: { type: 'string', multiple: true },
        json: { type: 'boolean', default: false },
        ...SERVER_OPTIONS,
      },
      USAGE,
    );
    const states = (values.state ?? []).map((state) => {
      const read = OverviewState.safeParse(state);
      if (read.success) return read.data;
      throw new UsageError(`--state must be one of ${OVERVIEW_STATES.join(', ')}; it was "${state}".`);
    });
    return await showOverview(readServer(values), states, values.json);
  },
  { endsWithReader: true },
);

async function showOverview(
  server: Server,
  states: readonly OverviewState[],
  isJson: boolean,
): Promise<number> {
  const screen: Screen = process.stdout;
  const paint = paintFor(screen);
  let [overdue, isEverythingPaused] = [0, false];
  for (let after: number | null = null; ; ) {
    const page: Page = await readPage(server, states, after).catch((cause: unknown) => {
      throw explainFirstFailure(server, cause);
    });
    overdue += page.overdue;
    for (const row of page.organizations) screen.write(isJson ? jsonLine(row) : textLine(row, paint));
    isEverythingPaused ||= page.organizations.some(({ paused, paused_at }) => paused && paused_at === null);
    if (page.next === null) break;
    after = page.next;
  }
  if (isEverythingPaused) process.stderr.write(PAUSED);
  return overdue > 0 ? EXIT_OVERDUE : 0;
}

interface Page extends Overview {
  overdue: number;
}

async function readPage(
  server: Server,
  states: readonly OverviewState[],
  after: number | null,
): Promise<Page> {
  const query = new URLSearchParams(states.map((state) => ['state', state]));
  if (after !== null) query.set('after', String(after));
  const response = await request(server, `/overview?${query}`, {});
  const page = Overview.parse(await response.json());
  return { ...page, overdue: Number(response.headers.get(OVERDUE_HEADER)) };
}

/** `123 Harbour Street Clinic  overdue  CLINIKO_UNAVAILABLE  last success 2h 5m ago  next 2026-11-28T16:00:00.000Z` */
function textLine(row: OverviewRow, paint: Paint): string {
  const { organization_id, name, state, cause, last_success_age_s: age, next_run_at, held, quarantine } = row;
  const words = [
    terminalText([organization_id, name].filter((one) => one !== null).join(' ')),
    paint(state, COLOURS[state]),
    cause && terminalText(cause),
    age === null ? 'no success yet' : `last success ${formatDuration(age * 1_000)} ago`,
    next_run_at && `next ${next_run_at}`,
    held > 0 && `${formatCount(held)} held`,
    quarantine > 0 && `${formatCount(quarantine)} in quarantine`,
  ];
  return `${words.filter(Boolean).join('  ')}\n`;
}
