/** The checks for leaks can fail: each test gives one of them patient data, or a server that does not release something. */
import { describe, expect, test } from 'vitest';
import { Findings } from '../../soak/findings.ts';
import { checkHeld, checkMemory, checkMetricsText, checkPostgresLog } from '../../soak/leak-checks.ts';
import { expectNoPatientData } from '../../soak/patient-data.ts';
import { holdingRows } from '../../soak/report.ts';
import { quartersOf } from '../../soak/resources.ts';
import { failedChecks } from '../support/failed-checks.ts';

async function check(work: (findings: Findings) => void | Promise<void>) {
  const findings = new Findings(() => {});
  await work(findings);
  return { failed: failedChecks(findings), count: findings.counts().length };
}

const PASSED = { failed: [], count: 1 };
const LEFT_OUT = { failed: [], count: 0 };
const failing = (...names: string[]) => ({ failed: names, count: names.length });

describe('patient data', () => {
  test('in a line of a log or an answer is reported', async () => {
    const search = (line: string) =>
      check((findings) => expectNoPatientData(findings, 'logs', 'server-1', line));
    expect(await search('{"level":"info","message":"Sync completed: 187/187 patients"}')).toEqual(PASSED);
    expect(await search('{"level":"error","message":"Dunmallet has no phone"}')).toEqual(failing('logs'));
  });

  test('in metrics is reported, and so is an answer without metrics', async () => {
    const METRICS = 'metrics contain no patient data';
    const search = (text: string) => check((findings) => checkMetricsText(findings, 'server-1', text));
    expect(await search('patient_sync_runs_total{status="completed"} 7')).toEqual(PASSED);
    expect(await search('patient_sync_runs_total{name="Dunmallet"} 7')).toEqual(failing(METRICS));
    expect(await search('Not found')).toEqual(failing(METRICS));
    expect(await search('')).toEqual(failing(METRICS));
  });

  test('in the log of PostgreSQL is reported, and so is a log that is empty or cannot be read', async () => {
    const LOG = 'the log of PostgreSQL contains no patient data';
    const search = (log: () => Promise<string>) => check((findings) => checkPostgresLog(findings, { log }));
    expect(await search(async () => 'LOG:  database system is ready\n')).toEqual(PASSED);
    expect(await search(async () => 'LOG:  ready\nDETAIL:  Key (last_name)=(Dunmallet)\n')).toEqual(
      failing(LOG),
    );
    expect(await search(async () => '\n')).toEqual(failing(LOG));
    expect(await search(() => Promise.reject(new Error('ENOENT')))).toEqual(failing(LOG));
  });
});

describe('a server at rest', () => {
  const start = { rssMb: 120, sockets: 11, sessions: 15 };
  const hold = (more: Partial<typeof start>) =>
    check((findings) => checkHeld(findings, { start, end: { ...start, ...more } }, 3));

  test('that holds sockets or sessions is reported', async () => {
    const [SOCKETS, SESSIONS] = [
      'a server at rest has released its sockets',
      'servers at rest have no more database sessions than in their pools',
    ];
    expect(await hold({})).toEqual({ failed: [], count: 2 });
    expect((await hold({ sockets: 60 })).failed).toEqual([SOCKETS]);
    expect((await hold({ sessions: 60 })).failed).toEqual([SESSIONS]);
  });
});

describe('memory', () => {
  const grow = (samples: readonly number[], minutes = 20) =>
    check((findings) => checkMemory(findings, minutes, quartersOf(samples)));

  test('that grows from the second quarter to the last is reported', async () => {
    expect(await grow([120, 200, 210, 220])).toEqual(PASSED);
    expect(await grow([120, 200, 300, 400])).toEqual(failing('the memory of a server does not grow'));
  });

  test('without samples, or after a short run, is not checked', async () => {
    expect(await grow([])).toEqual(LEFT_OUT);
    expect(await grow([120, 200, 400])).toEqual(LEFT_OUT);
    expect(await grow([120, 200, 300, 400], 2)).toEqual(LEFT_OUT);
    const rows = holdingRows({ start: undefined, end: undefined, quarters: quartersOf([]) });
    for (const [, figure] of rows) expect(figure).toContain('not measured');
  });
});
