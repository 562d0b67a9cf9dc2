/** What a tab knows when it takes the shared connection over from another tab. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Connection } from '../../web-client/src/live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../../web-client/src/live/organization-state.ts';
import { createReporter, type Reporter } from '../../web-client/src/live/reporter.ts';
import { shareBetweenTabs } from '../../web-client/src/live/tab-sharing.ts';

const STATE = { ...unknownOrganization(123), isKnown: true };
const HOURS_MS = 3_600_000;

/**
 * A tab that follows another one, whose server is gone once this tab leads.
 *
 * @param stopsAt the kind of connection at which the page stops the watch, in the call that reports it
 */
function follow(stopsAt?: Connection['kind']) {
  let becomeLeader = (): void => {};
  let channelName = '';
  let asked: AbortSignal | undefined;
  vi.stubGlobal('document', { visibilityState: 'visible' });
  vi.stubGlobal('navigator', {
    locks: {
      request(name: string, { signal }: { signal?: AbortSignal }, hold: () => void) {
        [channelName, becomeLeader, asked] = [name, hold, signal];
        return new Promise(() => {});
      },
    },
  });
  let shown: Connection | undefined;
  let reporter: Reporter<OrganizationState> | undefined;
  let shownAt = 0;
  const watch = shareBetweenTabs(
    'a clinic',
    unknownOrganization(123),
    (start, onState, signAt) => {
      reporter = createReporter(start, onState, signAt);
      reporter.report(start, 'offline');
      return { applyLog() {}, reconnect() {}, stop() {} };
    },
    (_state, connection) => {
      [shown, shownAt] = [connection, Date.now()];
      if (connection.kind === stopsAt) watch.stop();
    },
  );
  const other = new BroadcastChannel(channelName);
  onTestFinished(() => {
    watch.stop();
    other.close();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
  return {
    /** @returns when */
    async hear(connection: Connection): Promise<number> {
      other.postMessage({ kind: 'state', state: STATE, connection });
      await vi.waitFor(() => expect(shown).toEqual(connection));
      return shownAt;
    },
    lead: () => becomeLeader(),
    /** Of the server, to this tab as the leader. */
    answer: () => reporter?.report(STATE, 'polling'),
    connection: () => shown,
    stop: watch.stop,
    isAsking: () => asked?.aborted === false,
  };
}

test('a tab that takes over a lost connection dates it by the last sign that the other tab had', async () => {
  const since = Date.now() - 2 * HOURS_MS;
  const tab = follow();
  await tab.hear({ kind: 'offline', since });
  tab.lead();
  expect(tab.connection()).toMatchObject({ kind: 'offline', since });
});

test('a tab that takes over from a tab that was live dates a lost connection by its last message', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const tab = follow();
  const since = await tab.hear({ kind: 'live', since: Date.now() - HOURS_MS });
  // The computer sleeps.
  vi.setSystemTime(since + 8 * HOURS_MS);
  tab.lead();
  expect(tab.connection()).toMatchObject({ kind: 'offline', since });
});

test('a tab that has stopped no longer asks to lead', async () => {
  const tab = follow();
  await tab.hear({ kind: 'live', since: Date.now(), transport: 'sse' });
  expect(tab.isAsking()).toBe(true);
  tab.stop();
  expect(tab.isAsking()).toBe(false);
});

test('a leading tab that is stopped while it reports tells the other tabs nothing more', () => {
  const tab = follow('polling');
  tab.lead();
  tab.answer();
  expect(tab.connection()).toMatchObject({ kind: 'polling' });
});
