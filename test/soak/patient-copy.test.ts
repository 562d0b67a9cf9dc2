/** A copy of a clinic's patients reports what it missed, got twice, or got wrong. */
import { describe, expect, test, vi } from 'vitest';
import { Findings } from '../../soak/findings.ts';
import { PatientCopy } from '../../soak/patient-copy.ts';
import { failedChecks } from '../support/failed-checks.ts';

const CLINIC = 101;
const DENSE = 'the changes of patients arrive without a gap, and none twice';

const change = (seq: number, kind: 'created' | 'updated' = 'created') => ({
  ...{ seq, cursor: `k7x2.${seq}`, at: '2026-11-29T10:00:00.000Z', kind },
  ...{ cliniko_patient_id: '7', sync_log_id: 1 },
});
type Change = ReturnType<typeof change>;

const [FIRST, SECOND] = [change(1), change(2, 'updated')];
/** The state after both. */
const TABLE = new Map([['7', 'a']]);
const LOG = new Map([
  [1, 'created 7'],
  [2, 'updated 7'],
]);

function openCopy(start?: number | 'all') {
  const findings = new Findings(() => {});
  return { findings, copy: new PatientCopy('one', CLINIC, findings, start) };
}

describe('a copy of patients', () => {
  /** @param read what it reads for the changed patients */
  const follow = async (changes: readonly Change[], read = TABLE) => {
    const { findings, copy } = openCopy();
    for (const one of changes) copy.take(one);
    await copy.refresh(async () => read);
    copy.compare(TABLE, LOG);
    return failedChecks(findings);
  };

  test('accepts every change once', async () => expect(await follow([FIRST, SECOND])).toEqual([]));

  test('reports that it misses a change, gets one twice, or differs from the table', async () => {
    expect(await follow([FIRST])).toEqual([DENSE]);
    expect(await follow([FIRST, FIRST, SECOND])).toEqual([DENSE]);
    expect(await follow([FIRST, change(2)])).toEqual(['each change of a patient is one of the log']);
    expect(await follow([FIRST, SECOND], new Map([['7', 'b']]))).toEqual([
      'a copy that follows the changes equals the table',
    ]);
  });

  test('reports a change that contains more than ids', async () => {
    expect(await follow([{ ...FIRST, at: 'Ada Quillfeather' }, SECOND])).toEqual([
      'changes of patients contain ids only',
    ]);
  });

  describe('that began with the stored patients', () => {
    const listed = (id = '7') => ({
      ...{ seq: null, cursor: null, at: '2026-11-29T10:00:00.000Z', kind: 'created' as const },
      ...{ cliniko_patient_id: id, sync_log_id: null },
    });
    const list = async (
      changes: readonly (Change | ReturnType<typeof listed>)[],
      start: number | 'all' = 'all',
    ) => {
      const { findings, copy } = openCopy(start);
      copy.startAt(1);
      for (const one of changes) copy.take(one);
      await copy.refresh(async () => TABLE);
      copy.compare(TABLE, LOG);
      return failedChecks(findings);
    };

    test('accepts each of them once, then the changes', async () =>
      expect(await list([listed(), SECOND])).toEqual([]));

    test('reports one that comes twice, after a change, or after a cursor', async () => {
      expect(await list([listed(), listed(), SECOND])).toEqual([DENSE]);
      expect(await list([SECOND, listed()])).toEqual([DENSE]);
      expect(await list([listed(), SECOND], 1)).toEqual([DENSE]);
    });

    test('reports a lost change and a lost patient', async () => {
      expect(await list([listed()])).toEqual([DENSE]);
      expect(await list([listed(), change(3)])).toContain(DENSE);
      const { findings, copy } = openCopy('all');
      copy.startAt(2);
      copy.compare(TABLE, LOG);
      expect(failedChecks(findings)).toEqual(['a copy that follows the changes equals the table']);
    });

    test('is behind until it has the last one of them, when no change follows', () => {
      const { copy } = openCopy('all');
      copy.startAt(2);
      copy.take(listed());
      expect(copy.behind(2, 2)).toContain('patient 1 of 2');
      copy.take(listed('8'));
      expect(copy.behind(2, 2)).toBeUndefined();
      expect(copy.behind(3, 2)).toContain('change 2 of 3');
    });
  });

  test('reads in order: an older read does not overwrite a newer one, and the last refresh waits for all', async () => {
    const { findings, copy } = openCopy();
    const answers: ((rows: Map<string, string>) => void)[] = [];
    copy.take(FIRST);
    const slowRead = () => new Promise<Map<string, string>>((resolve) => void answers.push(resolve));
    const refreshes = [copy.refresh(slowRead)];
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    copy.take(SECOND);
    refreshes.push(copy.refresh(async () => TABLE));
    const last = copy.refresh(async () => new Map());
    answers[0]?.(new Map([['7', 'older']]));
    await last;
    copy.compare(TABLE, LOG);
    expect(failedChecks(findings)).toEqual([]);
    await Promise.all(refreshes);
  });
});
