/** Screen reader announcements of a run: its milestones, not every step. */
import { describe, expect, test } from 'vitest';
import type { SyncLog } from '#contract/sync-log.ts';
import { type AnnouncedState, announce } from '../../web-client/src/embed/announcements.ts';
import type { ConnectionKind } from '../../web-client/src/live/connection.ts';
import { applyPolledState, unknownOrganization } from '../../web-client/src/live/organization-state.ts';
import { aLog } from './support/logs.ts';

type Step = [SyncLog | null, ConnectionKind?];

/** The announcements, one for each step that has one. */
function announcementsOf(...steps: Step[]): string[] {
  let announced: AnnouncedState | null = null;
  const words: string[] = [];
  let state = unknownOrganization(123);
  steps.forEach(([log, kind = 'live'], i) => {
    state = applyPolledState(state, { head: `k7x2.${i + 1}`, log });
    const said = announce(announced, state, { kind, since: 0 });
    announced = said.announced;
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
  test('announces nothing about the initial state', () => {
    expect(announcementsOf([ended({})])).toEqual([]);
    expect(announcementsOf([running(40)], [running(41)])).toEqual([]);
  });

  test('announces the start, the quarters and the end of a run, however many steps it has', () => {
    const steps = Array.from({ length: 1_000 }, (_, i): Step => [running(i / 10)]);
    expect(announcementsOf([null], ...steps, [ended({ records_success: 648 })])).toEqual([
      'Sync started.',
      'Sync 25 percent done.',
      'Sync 50 percent done.',
      'Sync 75 percent done.',
      'Sync completed. 648 patients updated.',
    ]);
  });

  test('announces a pause once, and the failure of a run', () => {
    const waiting = running(10, { phase: 'waiting', waiting_reason: 'Cliniko asks for a pause' });
    const failed = aLog({ status: 'failed', error_details: 'It broke' });
    expect(announcementsOf([running(5)], [waiting], [waiting], [running(11)], [failed], [failed])).toEqual([
      'Cliniko asks for a pause',
      'Sync failed: It broke',
    ]);
  });

  test('announces a run that waits for each page once for each quarter', () => {
    const steps = Array.from({ length: 40 }, (_, i): Step[] => [
      [running(i * 2.5)],
      [running(i * 2.5, { phase: 'waiting', waiting_reason: 'Cliniko asks for a pause' })],
    ]).flat();
    expect(announcementsOf([null], ...steps)).toEqual([
      'Sync started.',
      'Cliniko asks for a pause',
      'Sync 25 percent done.',
      'Cliniko asks for a pause',
      'Sync 50 percent done.',
      'Cliniko asks for a pause',
      'Sync 75 percent done.',
      'Cliniko asks for a pause',
    ]);
  });

  test('announces a whole run that happened between two updates', () => {
    const next = ended({ id: 18, started_at: '2026-11-23T12:00:00.000Z', records_success: 3 });
    expect(announcementsOf([ended({})], [next])).toEqual(['Sync completed. 3 patients updated.']);
  });

  test('announces a lost and a restored connection once each, but no short interruption', () => {
    const run: Step = [running(10)];
    expect(announcementsOf(run, [running(10), 'connecting'], run)).toEqual([]);
    expect(
      announcementsOf(
        run,
        [running(10), 'connecting'],
        [running(10), 'offline'],
        [running(10), 'connecting'],
        run,
      ),
    ).toEqual(['The connection is lost. The displayed state may be old.', 'Connected again.']);
  });
});
