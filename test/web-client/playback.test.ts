/** The playback of a timeline. */
import { describe, expect, test } from 'vitest';
import type { StreamEvent } from '#contract/stream-event.ts';
import {
  chaptersOf,
  indexAt,
  lengthOf,
  momentsOf,
  speedOf,
  stayMs,
  withLatest,
} from '../../web-client/src/dashboard/playback.ts';
import { aLog } from './support/logs.ts';

const START = Date.parse('2026-11-23T10:00:00.000Z');

/** Events at these seconds. */
function eventsOf(
  steps: readonly (readonly [second: number, log: ReturnType<typeof aLog>])[],
): StreamEvent[] {
  return steps.map(([second, log], index) => ({
    v: 1,
    type: log.status === 'running' ? 'progress' : log.status,
    organization_id: log.organization_id,
    sync_log_id: log.id,
    seq: index + 1,
    cursor: `k.${index + 1}`,
    at: new Date(START + second * 1000).toISOString(),
    log: { ...log, cursor: `k.${index + 1}` },
  }));
}

const at = (percent: number, phase: 'storing' | 'waiting' = 'storing') =>
  aLog({ metadata: { progress_percent: percent, phase, waiting_reason: 'A limit' } });

const run = eventsOf([
  [0, at(0)],
  [10, at(30)],
  [12, at(30, 'waiting')],
  [100, at(32)],
  [120, aLog({ status: 'completed' })],
]);

describe('the playback of a run', () => {
  const moments = momentsOf(run);

  test('shows each moment for as long as it lasted, all within twelve seconds', () => {
    expect(lengthOf(moments)).toBe(120_000);
    expect(speedOf(moments)).toBe(10);
    expect(moments.map((_, index) => stayMs(moments, index))).toEqual([1_000, 200, 8_800, 2_000, null]);
  });

  test('never plays slower than it happened', () => {
    const quick = momentsOf(run.slice(0, 2).map((event) => ({ ...event, at: run[0]?.at ?? '' })));
    expect(speedOf(quick)).toBe(1);
    expect(stayMs(quick, 0)).toBe(40);
  });

  test('shows the last moment before the selected time', () => {
    expect([0, 9_999, 10_000, 99_000, 500_000].map((ms) => indexAt(moments, ms))).toEqual([0, 0, 1, 2, 4]);
  });

  test('has chapters where more than the count changed', () => {
    expect(chaptersOf(moments).map(({ index, words }) => [index, words])).toEqual([
      [0, 'Started'],
      [1, '30.0% done'],
      [2, 'A limit'],
      [3, 'Continuing'],
      [4, 'Completed'],
    ]);
  });

  test('continues with each event of the stream, once, until the end', () => {
    const begun = momentsOf(run.slice(0, 2));
    const next = { ...at(40), cursor: 'k.3' };
    const grown = withLatest(begun, next, Date.parse(next.started_at) + 15_000);
    expect(grown).toHaveLength(3);
    expect(withLatest(grown, next, START)).toHaveLength(3);
    expect(withLatest(grown, { ...next, cursor: moments[0]?.cursor ?? null }, START)).toHaveLength(3);
    expect(withLatest(moments, { ...next, cursor: 'k.9' }, START)).toHaveLength(moments.length);
  });

  test('of a run without a history is empty', () => {
    expect(momentsOf([])).toEqual([]);
    expect(lengthOf([])).toBe(0);
  });
});
