/** What a screen reader hears of a run: its turns, not its every step. */
import { describe, expect, test } from 'vitest';
import type { SyncLog } from '#contract/sync-log.ts';
import { announce, type Heard } from '../../web-client/src/embed/announcements.ts';
import type { ConnectionKind } from '../../web-client/src/live/connection.ts';
import { applyPolledState, unknownOrganization } from '../../web-client/src/live/organization-state.ts';
import { aLog } from './support/logs.ts';

type Step = [SyncLog | null, ConnectionKind?];

/** The words, one for each step that had any. */
function heardOf(...steps: Step[]): string[] {
  let heard: Heard | null = null;
  const words: string[] = [];
  let state = unknownOrganization(123);
  steps.forEach(([log, kind = 'live'], i) => {
    state = applyPolledState(state, { head: `k7x2.${i + 1}`, log });
    const said = announce(heard, state, { kind, since: 0 });
    heard = said.heard;
    if (said.words !== null) words.push(said.words);
  });
  return words;
}

const running = (percent: number, metadata: Partial<SyncLog['metadata']> = {}): SyncLog => {
  const log = aLog({ percent });
  return { ...log, metadata: { ...log.metadata, ...metadata } };
};
const ended = (change: Partial<SyncLog>): SyncLog => aLog({ status: 'completed', ...change });

describe('a screen reader', () => {
  test('hears nothing of what was there when the page opened', () => {
    expect(heardOf([ended({})])).toEqual([]);
    expect(heardOf([running(40)], [running(41)])).toEqual([]);
  });

  test('hears the beginning, the quarters and the end of a run, however many steps it has', () => {
    const steps = Array.from({ length: 1_000 }, (_, i): Step => [running(i / 10)]);
    expect(heardOf([null], ...steps, [ended({ records_success: 648 })])).toEqual([
      'Sync started.',
      'Sync 25 percent done.',
      'Sync 50 percent done.',
      'Sync 75 percent done.',
      'Sync completed. 648 patients updated.',
    ]);
  });

  test('hears of a pause once, and how a run failed', () => {
    const waiting = running(10, { phase: 'waiting', waiting_reason: 'Cliniko asks for a pause' });
    const failed = aLog({ status: 'failed', error_details: 'It broke' });
    expect(heardOf([running(5)], [waiting], [waiting], [running(11)], [failed], [failed])).toEqual([
      'Cliniko asks for a pause',
      'Sync failed: It broke',
    ]);
  });

  test('hears of a whole run that went by between two looks', () => {
    const next = ended({ id: 18, started_at: '2026-11-23T12:00:00.000Z', records_success: 3 });
    expect(heardOf([ended({})], [next])).toEqual(['Sync completed. 3 patients updated.']);
  });

  test('hears of a lost connection and its return once each, not of a hiccup', () => {
    const run: Step = [running(10)];
    expect(heardOf(run, [running(10), 'connecting'], run)).toEqual([]);
    expect(
      heardOf(run, [running(10), 'connecting'], [running(10), 'offline'], [running(10), 'connecting'], run),
    ).toEqual(['The connection is lost. What is shown may be old.', 'Connected again.']);
  });
});
