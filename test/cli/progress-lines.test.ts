/** What the terminal shows of a sync, and what a pipe gets. */
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SyncLog } from '#contract/sync-log.ts';
import { barLine, endLine, organizationLine, plainLine } from '../../src/cli/progress-line.ts';
import type { Screen } from '../../src/cli/screen.ts';
import { paintFor } from '../../src/cli/screen.ts';
import { showEverything } from '../../src/cli/show-everything.ts';
import { createRunDisplay, showRun, showRuns } from '../../src/cli/show-run.ts';
import { aChange, aLog, aSnapshot } from '../web-client/support/logs.ts';

// Some machines that run tests have a terminal that can draw nothing again.
beforeEach(() => void vi.stubEnv('TERM', 'xterm'));
afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

interface RecordedScreen extends Screen {
  /** Everything that was written. */
  text(): string;
  /** What a person sees: each line as it was drawn last. */
  lines(): string[];
}

function aScreen(kind: 'terminal' | 'pipe', size: { columns?: number; rows?: number } = {}): RecordedScreen {
  let text = '';
  return {
    isTTY: kind === 'terminal',
    hasColors: () => kind === 'terminal',
    columns: 80,
    rows: 24,
    ...size,
    write: (piece) => {
      text += piece;
    },
    text: () => text,
    lines: () => drawn(text),
  };
}

const ESCAPE = '\x1b';

/** A terminal in a few lines: it knows what these programs send. */
function drawn(text: string): string[] {
  const lines = [''];
  let row = 0;
  const pieces = new RegExp(`${ESCAPE}\\[(\\d*)([A-Za-z])|[\\r\\n]|[^${ESCAPE}\\r\\n]+`, 'g');
  for (const [piece, count, command] of text.matchAll(pieces)) {
    if (piece === '\n') row += 1;
    else if (command === 'K') lines[row] = '';
    else if (command === 'J') lines.length = row;
    else if (command === 'A') row -= Number(count);
    else if (command === undefined && piece !== '\r') lines[row] = (lines[row] ?? '') + piece;
  }
  return lines.filter((line) => line !== '');
}

async function* inTurn<T>(...logs: T[]): AsyncGenerator<T> {
  for (const log of logs) {
    await delay(0);
    yield log;
  }
}

const running = (percent: number, metadata: Partial<SyncLog['metadata']> = {}): SyncLog => {
  const log = aLog({ percent, records_success: Math.round(percent * 6.48) });
  return { ...log, metadata: { ...log.metadata, patients_found: 648, phase: 'storing', ...metadata } };
};
const completed = (): SyncLog => {
  const log = aLog({ status: 'completed', percent: 100, records_success: 648, records_processed: 648 });
  return { ...log, metadata: { ...log.metadata, patients_found: 648 } };
};
const failed = aLog({ status: 'failed', percent: 40, error_details: 'It broke' });

describe('a line', () => {
  test('holds the bar, the percentage, the counts and what remains', () => {
    const line = barLine(running(50, { estimated_remaining: '45 seconds' }), { columns: 80 });
    expect(line).toMatch(/^█{10,}░{10,} {2}50\.0% 324\/648 patients {2}45 seconds left$/);
  });

  test('is never wider than the terminal, nor its bar beyond its ends, whatever the log says', () => {
    const logs = fc.record({
      percent: fc.double({ min: -50, max: 250, noNaN: true }),
      estimated_remaining: fc.option(fc.string({ maxLength: 200 })),
      waiting_reason: fc.string({ maxLength: 200 }),
      phase: fc.constantFrom('storing' as const, 'waiting' as const, 'queued' as const),
    });
    fc.assert(
      fc.property(logs, fc.integer({ min: 20, max: 400 }), ({ percent, ...metadata }, columns) => {
        const log = running(percent, metadata);
        expect(barLine(log, { columns }).length).toBeLessThan(columns);
        expect(
          organizationLine(
            { id: 123, name: 'A clinic with a long name', log },
            { columns, nowMs: Date.now() },
          ).length,
        ).toBeLessThan(columns);
        expect(barLine(log, { columns }).match(/[█░]/g)?.length ?? 0).toBeLessThanOrEqual(40);
      }),
    );
  });

  test.for(['東京クリニック、品川の診療所', '서울 치과 의원 강남점 본원', '🏥🏥🏥🏥🏥🏥🏥🏥🏥🏥🏥🏥 Sydney'])(
    'takes two columns for each wide character of %s',
    (name) => {
      const columnsOf = (line: string): number => {
        const wide = line.match(/[\u3000-\u30ff\u4e00-\u9fff\uac00-\ud7a3\u{1f3e5}]/gu)?.length ?? 0;
        return [...line].length + wide;
      };
      const options = { columns: 120, nowMs: Date.now() };
      const plain = organizationLine({ id: 123, name: 'Sydney', log: running(50) }, options);
      const line = organizationLine({ id: 123, name, log: running(50) }, options);
      expect(columnsOf(line)).toBe(columnsOf(plain));
      expect(columnsOf(line.slice(0, line.indexOf('█')))).toBe(plain.indexOf('█'));
      expect(line.isWellFormed()).toBe(true);
      const reason = aLog({ status: 'failed', percent: 40, error_details: name.repeat(5) });
      expect(columnsOf(organizationLine({ id: 1, log: reason }, options))).toBeLessThan(120);
    },
  );

  test('states the result of a run, and the reason', () => {
    expect(endLine(completed())).toBe('Sync completed: 648/648 patients (100% success)');
    expect(endLine(failed)).toBe('Sync failed: It broke');
    const refused = { ...failed.metadata, error_type: 'CLINIKO_AUTH_FAILED', solution: 'Store a new key' };
    expect(endLine({ ...failed, metadata: refused })).toBe(
      'Invalid Cliniko credentials. Please update your API settings.\n  It broke\n  Store a new key',
    );
    expect(plainLine(running(50, { estimated_remaining: '45 seconds' }))).toBe(
      'Progress: 50.0% - 324/648 patients (storing, 45 seconds left)',
    );
  });
});

describe('one run', () => {
  test('is one line on a terminal, redrawn, in colour', async () => {
    const screen = aScreen('terminal');
    expect(await showRun(inTurn(running(10), running(50), completed()), createRunDisplay(screen))).toBe(0);
    expect(screen.lines()).toEqual([
      expect.stringMatching(/^█+ {1}100\.0% 648\/648 patients$/),
      'Sync completed: 648/648 patients (100% success)',
    ]);
    expect(screen.text()).toContain('\x1b[32m');
  });

  test.for(['pipe', 'terminal'] as const)('is a plain line for each change in a simple %s', async (kind) => {
    vi.stubEnv('TERM', 'dumb');
    const screen = { ...aScreen(kind), hasColors: () => false };
    expect(
      await showRun(inTurn(running(10), running(10), running(50), failed), createRunDisplay(screen)),
    ).toBe(1);
    expect(screen.text()).toBe(
      'Progress: 10.0% - 65/648 patients (storing)\nProgress: 50.0% - 324/648 patients (storing)\nSync failed: It broke\n',
    );
  });

  test('ticks on a terminal: the elapsed time and the countdown of a wait, but not while the connection is lost', async () => {
    vi.useFakeTimers();
    vi.setSystemTime(running(50).started_at);
    // Some terminals report a width of 0.
    const screen = aScreen('terminal', { columns: 0 });
    const display = createRunDisplay(screen);
    const waiting_until = new Date(Date.now() + 60_000).toISOString();
    display.show(running(50, { phase: 'waiting', waiting_reason: 'Rate limit', waiting_until }));
    vi.advanceTimersByTime(2_000);
    expect(screen.lines()).toEqual([expect.stringMatching(/ Rate limit for 58s, 2s so far$/)]);
    display.onLost(new Date());
    const lost = screen.text();
    vi.advanceTimersByTime(5_000);
    expect(screen.text()).toBe(lost);
    display.stop();
  });

  test('tells its place in the queue, and its closing part', () => {
    const queued = { phase: 'queued' as const, patients_found: 0 };
    expect(plainLine(running(0, { ...queued, queue_position: 4 }))).toContain('(in the queue, 3 before you)');
    expect(barLine(running(0, { ...queued, queue_position: 1 }), { columns: 80 })).toContain(
      'next in the queue',
    );
    const closing = barLine(running(99.9, { phase: 'finishing' }), { columns: 120 });
    expect(closing).toContain('checking that no patient is missing');
  });

  test('has no colour where people forbid them', () => {
    expect(paintFor({ isTTY: true, hasColors: () => false, write: () => {} })('text', 'red')).toBe('text');
  });
});

test('the runs of one organization follow each other, and none is printed twice', async () => {
  const screen = aScreen('pipe');
  const next = { ...running(30), id: 18 };
  const logs = inTurn(completed(), completed(), next, { ...completed(), id: 18 });
  await showRuns(logs, screen, createRunDisplay(screen));
  expect(screen.text().split('\n')).toEqual([
    'The last sync:',
    'Sync completed: 648/648 patients (100% success)',
    'Progress: 30.0% - 194/648 patients (storing)',
    'Sync completed: 648/648 patients (100% success)',
    '',
  ]);
});

describe('all organizations', () => {
  const of = (id: number, log: SyncLog): SyncLog => ({ ...log, organization_id: id });

  test('have a line each on a terminal, redrawn in its place, what failed and what runs first, with its name', async () => {
    vi.useFakeTimers();
    const screen = aScreen('terminal', { columns: 120 });
    const shown = showEverything(screen, async () => new Map([[3, 'Harbour Street']]));
    vi.setSystemTime(running(10).started_at);
    vi.advanceTimersByTime(80_000);
    shown.onEvent(aSnapshot('k7x2.1', of(1, completed()), 1));
    shown.onEvent(aSnapshot('k7x2.1', null, 2));
    shown.onEvent(aSnapshot('k7x2.1', of(3, failed), 3));
    shown.onConnected();
    vi.advanceTimersByTime(100);
    shown.onEvent(aChange('k7x2.2', of(2, running(10)), 'started'));
    vi.advanceTimersByTime(100);
    shown.onEvent(aChange('k7x2.3', of(2, running(50))));
    await vi.advanceTimersByTimeAsync(2_000);
    const name = (text: string) => text.padEnd(22);
    const others = [
      `         3  ${name('Harbour Street')}Sync failed: It broke`,
      expect.stringMatching(/^ +2 {24}█+░+ {2}50\.0% 324\/648 patients {2}1m 2[12]s so far$/),
      `         1  ${name('')}Sync completed: 648/648 patients (100% success)`,
    ];
    expect(screen.lines()).toEqual(['3 organizations, 1 failed, 1 running (live)', ...others]);

    shown.onLost(new Date(2026, 10, 28, 14, 3, 12));
    await vi.advanceTimersByTimeAsync(100);
    const lost = screen.text();
    expect(screen.lines()[0]).toBe(
      '3 organizations, 1 failed, 1 running (connection lost since 14:03:12, trying again)',
    );
    expect(screen.lines()[2]).toMatch(/324\/648 patients$/);
    // Nothing ticks until the connection is back.
    await vi.advanceTimersByTimeAsync(5_000);
    expect(screen.text()).toBe(lost);
  });

  test('that do not fit are counted', () => {
    vi.useFakeTimers();
    const screen = aScreen('terminal', { rows: 10 });
    const shown = showEverything(screen);
    for (let id = 1; id <= 500; id += 1) shown.onEvent(aSnapshot('k7x2.1', null, id));
    vi.advanceTimersByTime(100);
    expect(screen.lines()).toHaveLength(9);
    expect(screen.lines().at(-1)).toBe('… and 493 more');
  });

  test('have plain lines in a pipe: running syncs and new changes, not past ones', () => {
    const screen = aScreen('pipe');
    const shown = showEverything(screen);
    shown.onConnected();
    shown.onEvent(aSnapshot('k7x2.1', of(1, completed()), 1));
    shown.onEvent(aSnapshot('k7x2.1', of(2, running(10)), 2));
    shown.onEvent(aSnapshot('k7x2.2', of(2, running(10)), 2));
    shown.onEvent(aChange('k7x2.3', of(2, failed), 'failed'));
    expect(screen.text().split('\n')).toEqual([
      'Watching all organizations.',
      '2: Progress: 10.0% - 65/648 patients (storing)',
      '2: Sync failed: It broke',
      '',
    ]);
  });
});
