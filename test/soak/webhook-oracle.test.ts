/** The oracle over webhooks reports what was lost, repeated under another id, changed, out of order, or leaked. */
import { expect, test } from 'vitest';
import { Findings } from '../../soak/findings.ts';
import { MARK } from '../../soak/patient-data.ts';
import { type SentByServers, WebhookOracle } from '../../soak/webhook-oracle.ts';
import { failedChecks } from '../support/failed-checks.ts';

const TIME = '2026-12-01T10:00:00.000Z';

function ended(run: number, more = ''): string {
  const counts = { records_processed: 5, records_success: 5, records_failed: 0, missing_held: 0 };
  const times = { started_at: TIME, completed_at: TIME };
  const data = { organization_id: 101, sync_log_id: run, operation_type: `full_patients${more}`, ...times };
  const message = { ...data, status: 'completed', ...counts, error_type: null };
  return JSON.stringify({ type: 'sync.completed', timestamp: TIME, data: message });
}

function changed(from: number, to: number, recovered = true): string {
  const changes = Array.from({ length: to - from + 1 }, (_, n) => ({
    ...{ seq: from + n, cursor: `k7x2.${from + n}`, at: TIME, kind: 'updated' },
    ...{ cliniko_patient_id: '7', sync_log_id: 1 },
  }));
  const reason = recovered ? null : 'trimmed';
  const data = { organization_id: 101, changes, next: `k7x2.${to}`, recovered, reason };
  return JSON.stringify({ type: 'patients.changed', timestamp: TIME, data });
}

const SENT: SentByServers = { ends: ['sync.completed 1', 'sync.completed 2'], heads: new Map([[101, 4]]) };
const ALL: [string, string][] = [
  ['a', ended(1)],
  ['b', changed(1, 2)],
  ['c', ended(2)],
  ['d', changed(3, 4)],
];

function receive(messages: readonly [string, string][]) {
  const findings = new Findings(() => {});
  const oracle = new WebhookOracle(findings);
  for (const [id, text] of messages) oracle.take(id, text);
  const behind = oracle.behind(SENT);
  oracle.compare(SENT);
  return { behind, failed: failedChecks(findings), repeated: oracle.repeated };
}

test('accepts every message, also again', () => {
  const again = ALL.flatMap((one) => [one, one]);
  expect(receive(again)).toEqual({ behind: [], failed: [], repeated: 4 });
});

test('reports what has not arrived', () => {
  expect(receive(ALL.slice(0, 2))).toMatchObject({
    behind: ['change 2 of 4 of organization 101 as a webhook', 'the webhook sync.completed 2'],
    failed: [
      'each end of a run arrives as a webhook',
      'the changes of patients arrive as webhooks without a gap',
    ],
  });
});

test('reports a gap in the changes, also when the last one has arrived', () => {
  const withGap = ALL.filter(([id]) => id !== 'b');
  const failed = ['the changes of patients arrive as webhooks without a gap'];
  expect(receive(withGap)).toMatchObject({ behind: [], failed });
});

test.for<[string, [string, string][], string]>([
  ['an end under another id', [['e', ended(2)]], 'an end of a run is one webhook'],
  ['an end that did not happen', [['e', ended(3)]], 'each end of a run arrives as a webhook'],
  ['another text under an id', [['a', ended(2)]], 'a webhook that comes again is the same message'],
  ['changes again', [['e', changed(3, 4)]], 'the changes of patients arrive as webhooks without a gap'],
  ['a start over', [['e', changed(5, 4, false)]], 'the changes of patients arrive as webhooks without a gap'],
  ['patient data', [['e', ended(1, MARK)]], 'webhooks contain no patient data'],
])('reports %s', ([, messages, check]) => {
  expect(receive([...ALL, ...messages]).failed).toContain(check);
});
