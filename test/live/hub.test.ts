/** When the hub reads the log, what it answers from memory, and when it takes the history for lost. The clock is stopped. */
import { describe, expect, test, vi } from 'vitest';
import { NoAnswerError } from '../../src/database/answer-limit.ts';
import { HistoryLostError } from '../../src/events/event-queries.ts';
import { ID, openHub, poll, run, settle } from './support/stopped-hub.ts';

describe('the heads', () => {
  test('are read while a stream is open: those that changed, and all when one may have been missed', async () => {
    const { hub, bus, log, history, asked, append, subscribe, nextAsked, hold } = openHub();
    await poll();
    expect(asked).toEqual([]);
    const lost = vi.fn();
    hub.onHistoryLost(lost);
    hub.onOrganization(() => {});
    expect(await nextAsked()).toBeUndefined();
    expect(await nextAsked()).toMatch('horizon');

    expect(await nextAsked(bus.missed)).toBeUndefined();
    expect(await nextAsked()).toMatch('horizon');
    // During a read, which may have begun before.
    const release = hold('readHeads');
    await poll();
    bus.missed();
    expect(await nextAsked(release)).toBeUndefined();

    await subscribe();
    append('1');
    log.readAfter.mockRejectedValueOnce(new Error('No answer.'));
    expect(await nextAsked()).toMatch('horizon');
    expect(await nextAsked()).toBeUndefined();
    log.readAfter.mockRejectedValueOnce(new HistoryLostError('Another history.'));
    asked.length = 0;
    bus.publish({ organizations: [ID], work: false });
    await settle();
    expect(asked).toEqual([undefined]);
    await nextAsked();

    asked.length = 0;
    await vi.advanceTimersByTimeAsync(62_000);
    expect(asked.filter((since) => since === undefined)).toHaveLength(1);
    history.epoch = 'other';
    expect(await nextAsked()).toMatch('horizon');
    expect(await nextAsked()).toBeUndefined();
    expect(lost).toHaveBeenCalledOnce();
  });

  test('that are less than what was sent end the epoch, once', async () => {
    for (const rewind of [
      ({ history }: ReturnType<typeof openHub>) => {
        history.flushed = 99n;
      },
      ({ history }: ReturnType<typeof openHub>) => history.events.pop(),
      ({ history, bus }: ReturnType<typeof openHub>) => {
        history.isPresent = false;
        bus.missed();
      },
    ]) {
      const opened = openHub();
      const { hub, ended, append, subscribe } = opened;
      append('1');
      append('1');
      await subscribe();
      expect(ended).toEqual([]);
      rewind(opened);
      await poll();
      expect(ended).toEqual(['one']);
      expect(hub.latestRuns.get(ID)).toBeUndefined();
      await subscribe();
      await poll();
      expect(ended).toEqual(['one']);
    }
  });
});

describe('the latest run from memory', () => {
  test('is that of the database, or none', async () => {
    const { hub, bus, log, state, append, subscribe, hold } = openHub();
    const latest = () => hub.latestRuns.get(ID);
    const isKnown = () => latest() !== undefined;
    expect(isKnown()).toBe(false);
    append('1');
    await subscribe();
    // What happened before it was followed.
    const wanted = [{ organizationId: ID, seq: 1 }];
    expect(log.readAfter).toHaveBeenCalledExactlyOnceWith('one', wanted, expect.anything());
    expect(latest()).toEqual({ epoch: 'one', head: 1, log: run('1').log, hasOlder: false });

    state.isHealthy = false;
    expect(isKnown()).toBe(false);
    state.isHealthy = true;
    expect(isKnown()).toBe(true);
    // An event is being read.
    append('1');
    let release = hold('readAfter');
    bus.publish({ organizations: [ID], work: false });
    expect(isKnown()).toBe(false);
    release();
    await settle();
    expect(latest()).toMatchObject({ head: 2 });
    // Nudges were lost, or a read failed: until the next poll.
    release = hold('readHeads');
    await vi.advanceTimersByTimeAsync(1);
    bus.missed();
    expect(isKnown()).toBe(false);
    release();
    await settle();
    expect(isKnown()).toBe(true);
    log.readAfter.mockRejectedValueOnce(new Error('No answer.'));
    await vi.advanceTimersByTimeAsync(1);
    bus.publish({ organizations: [ID], work: false });
    await settle();
    expect(isKnown()).toBe(false);
    await poll();
    expect(isKnown()).toBe(true);
    // An answer is as old as its question.
    release = hold('readHeads');
    await poll();
    await vi.advanceTimersByTimeAsync(1_500);
    release();
    await settle();
    expect(isKnown()).toBe(true);
    await vi.advanceTimersByTimeAsync(600);
    expect(isKnown()).toBe(false);
    await poll();
    // The log does not answer.
    release = hold('readHeads');
    await vi.advanceTimersByTimeAsync(2_001);
    expect(isKnown()).toBe(false);
    release();
    await poll();
    expect(isKnown()).toBe(true);
    // A response had more than this memory, or belongs to another history.
    hub.latestRuns.observe(ID, { epoch: 'other', head: 2, hasOlder: true });
    hub.latestRuns.observe(ID, { epoch: 'other', head: 9 });
    expect(latest()).toMatchObject({ head: 2, hasOlder: false });
    append('1');
    hub.latestRuns.observe(ID, { epoch: 'one', head: 4 });
    await settle();
    expect(log.readAfter).toHaveBeenLastCalledWith(
      'one',
      [{ organizationId: ID, seq: 2 }],
      expect.anything(),
    );
    expect(isKnown()).toBe(false);
    append('1');
    await poll();
    expect(latest()).toMatchObject({ head: 4 });
  });

  test('is read again when another program has moved its start, also after a failure', async () => {
    const { hub, bus, log, append, subscribe } = openHub();
    append('5');
    await subscribe();
    append('3');
    log.readStates.mockRejectedValueOnce(new Error('No answer.'));
    bus.publish({ organizations: [ID], work: false });
    await settle();
    expect(hub.latestRuns.get(ID)).toBeUndefined();
    await poll();
    await poll();
    expect(hub.latestRuns.get(ID)).toMatchObject({ log: run('3').log });
  });
});

describe('a client that returns', () => {
  test('continues from memory while the events after its cursor are there, and else from the log', async () => {
    const { hub, bus, log, append, subscribe } = openHub();
    await subscribe();
    for (const count of [300, 1]) {
      for (let left = count; left > 0; left -= 1) append('1');
      bus.publish({ organizations: [ID], work: false });
      await settle();
    }
    log.readStates.mockClear();
    for (const [cursor, reads] of [
      ['one.45', 0],
      ['one.43', 1],
    ] as const) {
      const options = { since: cursor, folded: false, authorization: { canRead: () => true } };
      const [subscriber] = await hub.subscribe(new Map([[ID, options]]));
      expect(subscriber).toMatchObject({ reason: null, cursor: Number(cursor.slice(4)) });
      expect(log.readStates).toHaveBeenCalledTimes(reads);
    }
  });

  test('gets its events in the end, also when they are too large for one read', async () => {
    const { hub, log, history, append } = openHub();
    for (let left = 100; left > 0; left -= 1) append('1');
    log.readAfter.mockImplementation(async (_epoch, positions, { limit }) => {
      if (limit > 20) throw new NoAnswerError('Too much at once.');
      return positions.flatMap(({ seq }) => history.events.slice(seq, seq + limit));
    });
    let position = 0;
    const connect = async (): Promise<void> => {
      const options = { since: `one.${position}`, folded: false, authorization: { canRead: () => true } };
      const [subscriber] = await hub.subscribe(new Map([[ID, options]]));
      while (position < 100) position = (await subscriber?.catchUp(false))?.at(-1)?.seq ?? position;
    };
    await expect(connect()).rejects.toThrow(NoAnswerError);
    await expect(connect()).rejects.toThrow(NoAnswerError);
    await connect();
    expect(position).toBe(100);
  });
});

describe('an organization', () => {
  test('is followed while it is watched or polled, and a minute longer', async () => {
    const { hub, log, following, subscribe } = openHub();
    hub.onOrganization(() => {})();
    expect(following.splice(0)).toEqual(['follow all', 'unfollow all']);
    const subscriber = await subscribe();
    await vi.advanceTimersByTimeAsync(120_000);
    subscriber?.end();
    for (let polls = 0; polls < 4; polls += 1) {
      await vi.advanceTimersByTimeAsync(40_000);
      hub.latestRuns.get(ID);
    }
    expect(following).toEqual([`follow ${ID}`]);
    await vi.advanceTimersByTimeAsync(62_000);
    expect(following).toEqual([`follow ${ID}`, `unfollow ${ID}`]);
    // One that is only polled is compared with its table.
    hub.latestRuns.get(77);
    await vi.advanceTimersByTimeAsync(13_000);
    expect(log.readFingerprints.mock.lastCall?.[0].map(({ organizationId }) => organizationId)).toContain(77);
    await vi.advanceTimersByTimeAsync(120_000);
    log.readFingerprints.mockClear();
    await vi.advanceTimersByTimeAsync(13_000);
    expect(log.readFingerprints).not.toHaveBeenCalled();
  });
});
