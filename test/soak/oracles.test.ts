/** The oracles of the soak can fail: each test gives one of them something lost, invented, repeated or leaked. */
import { describe, expect, test } from 'vitest';
import { EventOracle } from '../../soak/event-oracle.ts';
import { Findings } from '../../soak/findings.ts';
import { findPatientData, MARK } from '../../soak/patient-data.ts';
import { compareClinic } from '../../soak/patient-oracle.ts';
import { checkRuns } from '../../soak/run-oracle.ts';
import type { ViewerKind } from '../../soak/viewer-state.ts';
import { failedChecks } from '../support/failed-checks.ts';

const CLINIC = 101;

interface Given {
  type?: string;
  id?: number;
  status?: string;
  done?: number;
  success?: number;
  percent?: number;
  more?: string;
}

function logText({ id = 1, status = 'running', done = 0, success = done, percent = 0, more = '' }: Given) {
  const log = {
    id,
    status,
    records_processed: done,
    records_success: success,
    records_failed: 0,
    metadata: { progress_percent: percent, more },
  };
  return JSON.stringify(log);
}

function envelope(seq: number, given: Given = {}): string {
  const { type = 'progress', id = 1 } = given;
  const cursor = `k7x2.${seq}`;
  return `{"v":1,"type":"${type}","organization_id":${CLINIC},"sync_log_id":${id},"seq":${seq},"cursor":"${cursor}","at":"t","log":${logText(given)}}`;
}

const END = { type: 'completed', status: 'completed', done: 20, percent: 100 };

/** A run: started, two times progress, completed. */
const RUN = [
  envelope(1, { type: 'started' }),
  envelope(2, { done: 10, percent: 50 }),
  envelope(3, { done: 20, percent: 99.9 }),
  envelope(4, END),
];

/** The names of the checks that failed. */
function failed(check: (findings: Findings) => void): string[] {
  const findings = new Findings(() => {});
  check(findings);
  return failedChecks(findings);
}

/** A viewer that is open from the start and receives these texts; then the log contains `log`. */
function view(texts: readonly string[], log: readonly string[] = RUN, kind: ViewerKind = 'whole'): string[] {
  return failed((findings) => {
    const oracle = new EventOracle(findings);
    const memory = oracle.openViewer('one', kind, () => true);
    for (const text of texts) {
      const { seq, type } = JSON.parse(text);
      memory.show(CLINIC, { seq, kind: type === 'snapshot' ? 'snapshot' : 'event', text });
    }
    oracle.compareWithLog(CLINIC, log);
  });
}

describe('the oracle over events', () => {
  const IN_ORDER = 'each viewer gets every event once and in order, unless a snapshot replaces some';
  const EQUAL = 'what viewers received is what the log of the database contains';
  const COMPLETE = 'each viewer received everything up to the end of the log';
  const without = (...seqs: number[]) => RUN.filter((_, index) => !seqs.includes(index + 1));
  const snapshot = (seq: number) => (RUN[seq - 1] ?? '').replace(/"type":"\w+"/, '"type":"snapshot"');

  test('accepts every event once, and a snapshot in place of some', () => {
    expect(view(RUN)).toEqual([]);
    expect(view([snapshot(3), envelope(4, END)])).toEqual([]);
    expect(view([...RUN.slice(0, 1), snapshot(4)])).toEqual([]);
    expect(view([RUN[0] ?? '', RUN[3] ?? ''], RUN, 'folded')).toEqual([]);
  });

  test('reports an event that was lost, repeated, or out of order', () => {
    expect(view(without(2))).toEqual([IN_ORDER]);
    expect(view([...RUN.slice(0, 2), ...RUN.slice(1)])).toEqual([IN_ORDER]);
    expect(view([...without(2, 4), RUN[1] ?? '', RUN[3] ?? ''])).toEqual([IN_ORDER]);
  });

  test('reports a viewer that never got the last event, or the end of a run in a gap without a snapshot', () => {
    expect(view(without(4))).toEqual([COMPLETE]);
    expect(view(without(3))).toEqual([COMPLETE]);
  });

  test('reports an event that the log does not contain, or contains with another text', () => {
    expect(view([...RUN, envelope(5, { id: 2 })])).toEqual([COMPLETE, EQUAL]);
    expect(view([...without(3, 4), envelope(3, { done: 19 }), envelope(4, END)])).toEqual([EQUAL]);
    expect(
      view([snapshot(2).replace('"records_processed":10', '"records_processed":11'), ...RUN.slice(2)]),
    ).toEqual([EQUAL]);
  });

  test('reports a folded viewer that missed the end of a run', () => {
    const second = [envelope(5, { id: 2, type: 'started' })];
    const states = [RUN[0] ?? '', ...second.map((text) => text.replace('"started"', '"snapshot"'))];
    expect(view(states, [...RUN, ...second], 'folded')).toEqual([
      'a viewer that gets folded states received the end of each run',
    ]);
  });

  test('reports two texts for one event, and a stream that starts over without a reason', () => {
    const two = failed((findings) => {
      const oracle = new EventOracle(findings);
      for (const [n, done] of [1, 2].entries())
        oracle
          .openViewer(`${n}`, 'whole', () => true)
          .show(CLINIC, { seq: 1, kind: 'event', text: envelope(1, { done }) });
    });
    expect(two).toEqual(['every viewer gets the same text for an event or a state']);
    const resetBy = (reason: string) =>
      failed((findings) =>
        new EventOracle(findings)
          .openViewer('one', 'whole', () => true)
          .lose(`{"recovered":false,"reason":"${reason}"}`),
      );
    expect(resetBy('epoch')).toEqual(['a stream continues at the cursor of its viewer']);
    expect(resetBy('too_far')).toEqual([]);
  });

  test('reports patient data in an event', () => {
    const leak = envelope(1, { type: 'started', more: 'Patient Quillfeather: no phone' });
    expect(view([leak], [leak])).toEqual(['events and polls contain no patient data']);
  });
});

describe('the oracle over runs', () => {
  const check = (envelopes: readonly string[], rows: readonly string[] = [logText(END)]) =>
    failed((findings) => checkRuns(findings, CLINIC, envelopes, rows));

  test('accepts a whole run', () => expect(check(RUN)).toEqual([]));

  test('reports a gap, a second end, a percent that goes back, and counts that do not add up', () => {
    const ENDS_ONCE = 'a run starts once, ends once, and does not change after its end';
    expect(check([RUN[0] ?? '', RUN[2] ?? '', RUN[3] ?? ''])).toEqual([
      'the events of an organization are numbered without a gap',
    ]);
    expect(check([...RUN, envelope(5, END)])).toEqual([ENDS_ONCE]);
    expect(check([...RUN.slice(0, 2), envelope(3, { percent: 49 }), envelope(4, END)])).toEqual([
      'the percent of a run never goes back',
    ]);
    expect(check([...RUN.slice(0, 1), envelope(2, { done: 9, success: 8 }), ...RUN.slice(2)])).toEqual([
      'processed = stored + failed in each event',
    ]);
    expect(check([...RUN.slice(0, 2), envelope(3, { type: 'started', id: 2 })], [])).toContain(
      'an organization has one run at a time',
    );
  });

  test('reports a row that differs from its last event, is missing, or still runs', () => {
    const ROW = 'the row of a run equals its last event';
    expect(check(RUN, [logText({ ...END, done: 21 })])).toEqual([ROW]);
    expect(check(RUN, [])).toEqual([ROW]);
    expect(check(RUN.slice(0, 3), [logText({ done: 20, percent: 99.9 })])).toEqual([
      'a run starts once, ends once, and does not change after its end',
    ]);
  });
});

describe('the oracle over patients', () => {
  const inCliniko = new Map([['7', 'a']]);
  const compare = (stored: [string, { digest: string; isMissing: boolean }][]) =>
    failed((findings) => compareClinic(findings, CLINIC, inCliniko, new Map(stored)));

  test('reports a lost, an invented and a different patient', () => {
    const same = { digest: 'a', isMissing: false };
    expect(
      compare([
        ['7', same],
        ['8', { ...same, isMissing: true }],
      ]),
    ).toEqual([]);
    expect(compare([])).toEqual(['each patient in Cliniko is stored and not missing']);
    expect(compare([['7', { ...same, isMissing: true }]])).toEqual([
      'each patient in Cliniko is stored and not missing',
    ]);
    expect(
      compare([
        ['7', same],
        ['8', same],
      ]),
    ).toEqual(['each stored patient that is not missing exists in Cliniko']);
    expect(compare([['7', { ...same, digest: 'b' }]])).toEqual([
      'each stored record equals the one in Cliniko',
    ]);
  });
});

test('data of patients is found in a line, and nothing else is', () => {
  const leaks = [
    'Key (last_name)=(Dunmallet) already exists',
    `${MARK}12 has no phone`,
    'sent to dunmallet.12@example.com',
    'normalized 61491570156',
    '"phone":"+61 491 570 156"',
    'call (03) 5550 1234',
  ];
  for (const leak of leaks) expect(findPatientData(leak), leak).toBeDefined();
  const harmless = [
    'Patient ID 1365205225312138937: Invalid phone number format',
    'Patient ID 41000208: Missing email',
    '{"level":"info","time":"2026-11-29T15:39:25.282Z","organization_id":105,"message":"Sync completed: 187/187 patients"}',
    'Clinic 105 at http://127.0.0.1:41037/v1',
  ];
  for (const line of harmless) expect(findPatientData(line), line).toBeUndefined();
});
