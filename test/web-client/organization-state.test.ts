import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StreamEvent } from '#contract/stream-event.ts';
import {
  applyAnswer,
  applyEvent,
  applyPolledState,
  forgetCursor,
  type OrganizationState,
  unknownOrganization,
} from '../../web-client/src/live/organization-state.ts';
import { aChange, aLog, aSnapshot } from './support/logs.ts';

const start = unknownOrganization(123);
const changedBy = (...events: StreamEvent[]): OrganizationState => events.reduce(applyEvent, start);

describe('events of a stream', () => {
  test('update the run and the cursor', () => {
    const state = changedBy(aSnapshot('k7x2.4', null), aChange('k7x2.5', aLog(), 'started'));
    expect(state).toMatchObject({ cursor: 'k7x2.5', isKnown: true, log: { id: 17 }, percent: 0 });
  });

  test('count once, even if they arrive late and more than once', () => {
    const newest = changedBy(aSnapshot('k7x2.4', null), aChange('k7x2.6', aLog({ records_success: 100 })));
    expect(applyEvent(newest, aChange('k7x2.6', aLog({ records_success: 1 })))).toBe(newest);
    expect(applyEvent(newest, aChange('k7x2.5', aLog({ records_success: 50 })))).toBe(newest);
    expect(applyEvent(newest, aSnapshot('k7x2.4', null))).toBe(newest);
  });

  test('compare cursors beyond the range of a number', () => {
    const state = changedBy(aSnapshot('k7x2.900000000000000001', null));
    expect(applyEvent(state, aChange('k7x2.900000000000000002', aLog())).log?.id).toBe(17);
    expect(applyEvent(state, aChange('k7x2.900000000000000000', aLog())).log).toBeNull();
  });

  test('of an earlier run update only the cursor', () => {
    const earlier = aLog({ id: 16, started_at: '2026-11-23T09:00:00.000Z', status: 'failed' });
    const state = changedBy(aSnapshot('k7x2.4', aLog()), aChange('k7x2.5', earlier, 'failed'));
    expect(state).toMatchObject({ cursor: 'k7x2.5', log: { id: 17, status: 'running' } });
  });

  test('a snapshot after a deletion may name an earlier run, or none', () => {
    const state = changedBy(aSnapshot('k7x2.4', aLog()));
    expect(applyEvent(state, aSnapshot('k7x2.5', null)).log).toBeNull();
  });

  test('of another epoch count only from their snapshot on', () => {
    const state = changedBy(aSnapshot('k7x2.400', aLog()));
    expect(applyEvent(state, aChange('new1.3', aLog({ id: 3 })))).toBe(state);
    expect(applyEvent(state, aSnapshot('new1.2', null))).toMatchObject({ cursor: 'new1.2', log: null });
  });

  test('after a gap that cannot be filled, a snapshot counts although its cursor is lower', () => {
    const state = forgetCursor(changedBy(aSnapshot('k7x2.400', aLog())));
    expect(applyEvent(state, aSnapshot('k7x2.9', null))).toMatchObject({ cursor: 'k7x2.9', log: null });
  });
});

describe('the bar', () => {
  test('never falls within one run, whatever arrives in whatever order', () => {
    const percents = fc.array(fc.double({ min: -10, max: 250, noNaN: true }), { maxLength: 30 });
    fc.assert(
      fc.property(percents, (values) => {
        let state = start;
        values.forEach((percent, index) => {
          const next = applyEvent(state, aChange(`k7x2.${index + 1}`, aLog({ percent })));
          expect(next.percent).toBeGreaterThanOrEqual(state.percent);
          expect(next.percent).toBeLessThanOrEqual(100);
          state = next;
        });
      }),
    );
  });

  test('restarts with the next run, also one with the same id after a restore', () => {
    const state = changedBy(aChange('k7x2.1', aLog({ percent: 80 })));
    expect(applyEvent(state, aChange('k7x2.2', aLog({ id: 18 }))).percent).toBe(0);
    const again = aLog({ started_at: '2026-11-23T11:00:00.000Z', percent: 5 });
    expect(applyEvent(state, aSnapshot('new1.1', again)).percent).toBe(5);
  });

  test('is full for a completed run of another program without a percentage', () => {
    expect(changedBy(aChange('k7x2.1', aLog({ status: 'completed' }), 'completed')).percent).toBe(100);
  });

  test('keeps the progress of a failed run', () => {
    const state = changedBy(
      aChange('k7x2.1', aLog({ percent: 42 })),
      aChange('k7x2.2', aLog({ status: 'failed' }), 'failed'),
    );
    expect(state.percent).toBe(42);
  });
});

describe('a poll', () => {
  test('counts like a snapshot at its head', () => {
    const state = applyPolledState(start, { head: 'k7x2.7', log: aLog({ percent: 30 }) });
    expect(state).toMatchObject({ cursor: 'k7x2.7', percent: 30, isKnown: true });
    expect(applyEvent(state, aChange('k7x2.7', aLog({ percent: 99 })))).toBe(state);
    expect(applyPolledState(state, { head: 'k7x2.6', log: null })).toBe(state);
  });

  test('of the known head does not take back a run that an answer has shown since', () => {
    const answered = applyAnswer(changedBy(aSnapshot('k7x2.4', null)), aLog({ cursor: 'k7x2.5' }));
    expect(applyPolledState(answered, { head: 'k7x2.4', log: null })).toBe(answered);
  });

  test('without a head still counts', () => {
    const state = applyPolledState(changedBy(aSnapshot('k7x2.7', null)), { head: null, log: aLog() });
    expect(state).toMatchObject({ cursor: 'k7x2.7', log: { id: 17 } });
  });
});

describe('the answer to a request of this page', () => {
  test('is shown at once and does not change the cursor', () => {
    const state = applyAnswer(changedBy(aSnapshot('k7x2.4', null)), aLog({ cursor: 'k7x2.5' }));
    expect(state).toMatchObject({ cursor: 'k7x2.4', log: { id: 17 } });
    expect(applyEvent(state, aChange('k7x2.5', aLog(), 'started')).cursor).toBe('k7x2.5');
  });

  test('that comes later than the stream changes nothing', () => {
    const state = changedBy(aSnapshot('k7x2.4', null), aChange('k7x2.9', aLog({ records_success: 100 })));
    expect(applyAnswer(state, aLog({ cursor: 'k7x2.5' }))).toBe(state);
  });

  test('that is about another organization, which the page showed before, changes nothing', () => {
    const state = changedBy(aSnapshot('k7x2.4', null));
    expect(applyAnswer(state, aLog({ organization_id: 456, cursor: 'm3p8.5' }))).toBe(state);
  });
});
