/** A run in the answers of the old progress API. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { SyncLog } from '#contract/sync-log.ts';
import { toProgress } from '../../src/legacy/progress.ts';
import { aLog } from '../web-client/support/logs.ts';

const shown = (log: Parameters<typeof aLog>[0]) => toProgress(aLog(log), 'sync_123_20261123_100000');

describe('the progress of a run of another program', () => {
  test('is 100 % when it has completed, with or without a percentage', () => {
    for (const percent of [0, 45.5, 100]) {
      expect(shown({ status: 'completed', percent })).toMatchObject({
        progress_percentage: 100,
        current_step_number: 8,
      });
    }
  });

  test.for([
    [-3, 0],
    [45.9, 45],
    [130, 100],
    [1e300, 100],
  ])('that stored %d %% is between 0 and 100', ([percent, percentage]) => {
    expect(shown({ percent }).progress_percentage).toBe(percentage);
  });

  test('that failed keeps the step of its row, else that of its last event', () => {
    const stepOf = (step: string, stepBeforeEnd?: string) => {
      const log = aLog({ status: 'failed', metadata: { progress_percent: 0, step } });
      return toProgress(log, 'sync_123_20261123_100000', stepBeforeEnd).current_step_number;
    };
    expect(stepOf('fetching_patients')).toBe(4);
    expect(stepOf('failed', 'checking_deletions')).toBe(6);
    expect(stepOf('constructor')).toBe(1);
  });

  test('that failed names the reason among its errors, once', () => {
    const failed = (metadata: Partial<SyncLog['metadata']>) =>
      shown({
        status: 'failed',
        error_details: 'The disk is full.',
        metadata: { progress_percent: 0, ...metadata },
      }).errors;
    expect(failed({ errors: [] })).toEqual(['The disk is full.']);
    expect(failed({ errors: ['Patient ID 1: Invalid date'] })).toEqual([
      'Patient ID 1: Invalid date',
      'The disk is full.',
    ]);
    expect(failed({ errors: ['The disk is full.'] })).toEqual(['The disk is full.']);
    expect(shown({ status: 'running' }).errors).toEqual([]);
  });
});

test('the estimated completion stays while a run waits and publishes nothing', () => {
  vi.useFakeTimers({ now: new Date('2026-11-23T10:00:00Z') });
  onTestFinished(() => void vi.useRealTimers());
  const waiting = {
    metadata: { progress_percent: 40, phase: 'waiting' as const, estimated_remaining_ms: 90_000 },
  };
  for (const secondsLater of [0, 59]) {
    vi.advanceTimersByTime(secondsLater * 1_000);
    expect(shown(waiting).estimated_completion).toBe('2026-11-23T10:01:30.000Z');
  }
});
