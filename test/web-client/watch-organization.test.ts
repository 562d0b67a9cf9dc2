/** From the stream to the poll and back, with fake EventSources, fake answers and a fake clock. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Connection } from '../../web-client/src/live/connection.ts';
import type { OrganizationState } from '../../web-client/src/live/organization-state.ts';
import { type OrganizationWatch, watchOrganization } from '../../web-client/src/live/watch-organization.ts';
import { createFakeEventSources } from './support/fake-event-source.ts';
import { aChange, aLog, aSnapshot } from './support/logs.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  for (const watch of watches.splice(0)) watch.stop();
  vi.useRealTimers();
});
const watches: OrganizationWatch[] = [];

type Answer = { head: string; log: SyncLog | null } | 'unchanged' | 'unreachable' | 'frozen';

async function watch() {
  const sources = createFakeEventSources();
  const polls: { url: string; ifNoneMatch: string | null }[] = [];
  const seen: { connection: Connection; state: OrganizationState }[] = [];
  let answer: Answer = 'unreachable';
  const fakeFetch: typeof fetch = async (url, init) => {
    polls.push({ url: String(url), ifNoneMatch: new Headers(init?.headers).get('if-none-match') });
    if (answer === 'unreachable') throw new TypeError('fetch failed');
    if (answer === 'frozen') return new Promise(() => {});
    if (answer === 'unchanged') return new Response(null, { status: 304 });
    const body = JSON.stringify({ logs: answer.log === null ? [] : [answer.log] });
    return new Response(body, { headers: { etag: `"${answer.head}"` } });
  };
  const opened = watchOrganization(123, {
    baseUrl: '',
    openEventSource: sources.open,
    openSocket: null,
    fetch: fakeFetch,
    onState: (state, connection) => seen.push({ state, connection }),
  });
  watches.push(opened);
  // An address is awaited first: it may need a token.
  await settle();
  return {
    ...sources,
    ...opened,
    polls,
    answers: (next: Answer) => {
      answer = next;
    },
    /** The reported connections, without repetitions. */
    connections: () =>
      seen.map(({ connection }) => connection.kind).filter((kind, i, all) => kind !== all[i - 1]),
    connection: () => seen.at(-1)?.connection,
    state: () => seen.at(-1)?.state,
  };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe('a stream that works', () => {
  test('is live after its hello, and never polls', async () => {
    const page = await watch();
    expect(page.newest().url).toBe('/api/v1/cliniko/sync-logs/123/events');
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    page.newest().say('progress', aChange('k7x2.5', aLog({ percent: 50 })));
    await settle();
    expect(page.connections()).toEqual(['live']);
    expect(page.state()).toMatchObject({ cursor: 'k7x2.5', percent: 50 });
    expect(page.polls).toEqual([]);
  });

  test('that breaks is opened again within half a second, from the same cursor, without a poll', async () => {
    const page = await watch();
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    page.newest().fail();
    expect(page.connections()).toEqual(['live', 'connecting']);
    expect(page.newest().isClosed).toBe(true);
    await pass(500);
    expect(page.newest().url).toBe('/api/v1/cliniko/sync-logs/123/events?since=k7x2.4');
    page.newest().hello();
    await pass(18_000);
    expect(page.connections()).toEqual(['live', 'connecting', 'live']);
    expect(page.opened).toHaveLength(2);
    expect(page.polls).toEqual([]);
  });

  test('that breaks again and again is opened less and less often', async () => {
    const page = await watch();
    page.newest().hello();
    for (let i = 0; i < 12; i += 1) {
      page.newest().fail();
      while (page.newest().isClosed) await pass(100);
      page.newest().hello();
    }
    const before = page.opened.length;
    page.newest().fail();
    await pass(7_000);
    expect(page.opened).toHaveLength(before);
    expect(page.polls).toEqual([]);
  });

  test('is catching up until what it missed has arrived', async () => {
    const page = await watch();
    page.newest().hello({ head: 'k7x2.4' });
    expect(page.connection()).toMatchObject({ kind: 'live', transport: 'sse', isCatchingUp: true });
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    expect(page.connection()?.isCatchingUp).toBe(false);
    page.newest().fail();
    await pass(500);
    page.newest().hello({ head: 'k7x2.6' });
    page.newest().say('progress', aChange('k7x2.5', aLog()));
    expect(page.connection()).toMatchObject({ kind: 'live', isCatchingUp: true });
    page.newest().say('progress', aChange('k7x2.6', aLog()));
    expect(page.connection()).toMatchObject({ kind: 'live', isCatchingUp: false });
  });

  test('that sends bye is opened again after its delay, from the same cursor', async () => {
    const page = await watch();
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    page.newest().say('bye', { v: 1, type: 'bye', reason: 'restart', retry_ms: 700 });
    await pass(699);
    expect(page.opened).toHaveLength(1);
    await pass(1);
    expect(page.newest().url).toBe('/api/v1/cliniko/sync-logs/123/events?since=k7x2.4');
  });

  test('that missed something is opened again at once, from before the gap', async () => {
    const page = await watch();
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    page.newest().say('ping', { v: 1, type: 'ping', organization_id: 123, cursor: 'k7x2.4' });
    await settle();
    expect(page.opened).toHaveLength(1);
    page.newest().say('ping', { v: 1, type: 'ping', organization_id: 123, cursor: 'k7x2.6' });
    await settle();
    expect(page.newest().url).toContain('?since=k7x2.4');
  });

  test('that cannot resume accepts the snapshot, although its cursor is lower', async () => {
    const page = await watch();
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.400', aLog()));
    page.newest().fail();
    await pass(500);
    page.newest().hello({ recovered: false });
    // Another history: it says nothing about the cursor from before.
    page.newest().say('ping', { v: 1, type: 'ping', organization_id: 123, cursor: 'm3p8.9' });
    page.newest().say('snapshot', aSnapshot('m3p8.9', null));
    expect(page.state()).toMatchObject({ cursor: 'm3p8.9', log: null });
    await settle();
    expect(page.opened).toHaveLength(2);
  });
});

describe('the poll takes over', () => {
  test('at once when the stream is refused, and polls every 2 seconds for changes', async () => {
    const page = await watch();
    page.answers({ head: 'k7x2.4', log: aLog({ percent: 10 }) });
    page.newest().fail();
    await settle();
    expect(page.connections()).toEqual(['polling']);
    expect(page.state()?.percent).toBe(10);
    expect(page.newest().isClosed).toBe(true);

    page.answers('unchanged');
    await pass(2_000);
    expect(page.polls).toEqual([
      { url: '/api/v1/cliniko/sync-logs/123?limit=1', ifNoneMatch: null },
      { url: '/api/v1/cliniko/sync-logs/123?limit=1', ifNoneMatch: '"k7x2.4"' },
    ]);
  });

  test('when no hello arrives within seconds, as behind a proxy that holds answers back', async () => {
    const page = await watch();
    page.answers({ head: 'k7x2.4', log: null });
    await pass(4_000);
    expect(page.connections()).toEqual(['polling']);
  });

  test('when a live stream becomes silent', async () => {
    const page = await watch();
    page.answers({ head: 'k7x2.4', log: null });
    page.newest().hello();
    page.newest().say('ping', { v: 1, type: 'ping', organization_id: 123, cursor: 'k7x2.4' });
    await pass(18_749);
    expect(page.connections()).toEqual(['live']);
    await pass(1);
    expect(page.connections()).toEqual(['live', 'polling']);
  });

  test('and a frozen server, which answers nothing, is noticed within 20 seconds', async () => {
    const page = await watch();
    page.newest().hello();
    page.newest().say('ping', { v: 1, type: 'ping', organization_id: 123, cursor: 'k7x2.4' });
    page.answers('frozen');
    await pass(20_000);
    expect(page.connections()).toEqual(['live', 'connecting']);
  });

  test('when the first heartbeat is late, as behind a proxy that let the hello through and holds back the rest', async () => {
    const page = await watch();
    page.answers({ head: 'k7x2.4', log: null });
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    await pass(18_749);
    expect(page.connections()).toEqual(['live']);
    await pass(1);
    expect(page.connections()).toEqual(['live', 'polling']);
  });

  test('when the stream sends an unreadable frame', async () => {
    const page = await watch();
    page.answers({ head: 'k7x2.4', log: null });
    page.newest().hello();
    page.newest().say('progress', { v: 2 });
    await settle();
    expect(page.connections()).toEqual(['live', 'polling']);
  });

  test('and the stream replaces it later, from the same cursor', async () => {
    const page = await watch();
    page.answers({ head: 'k7x2.4', log: aLog({ percent: 40 }) });
    page.newest().fail();
    // The time is random, between half of 15 s and 15 s.
    await pass(7_400);
    expect(page.opened).toHaveLength(1);
    while (page.opened.length === 1) await pass(100);
    expect(page.newest().url).toContain('?since=k7x2.4');
    expect(page.connections()).toEqual(['polling']);

    page.newest().hello();
    expect(page.connection()).toMatchObject({ kind: 'live', transport: 'sse' });
    page.newest().say('progress', aChange('k7x2.5', aLog({ percent: 50 })));
    const asked = page.polls.length;
    await pass(10_000);
    expect(page.connections()).toEqual(['polling', 'live']);
    expect(page.state()?.percent).toBe(50);
    expect(page.polls).toHaveLength(asked);
  });
});

describe('an unreachable server', () => {
  test('is shown as offline, and the stream is tried as soon as a poll is answered', async () => {
    const page = await watch();
    page.newest().hello();
    page.newest().fail();
    await pass(500);
    page.newest().fail();
    await settle();
    expect(page.connections()).toEqual(['live', 'connecting', 'offline']);

    page.answers({ head: 'k7x2.4', log: null });
    await pass(2_000);
    expect(page.connections()).toEqual(['live', 'connecting', 'offline', 'polling']);
    page.newest().hello();
    expect(page.connections().at(-1)).toBe('live');
  });

  test('gave its last sign with the last ping, also when the computer has slept since', async () => {
    const page = await watch();
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    await pass(15_000);
    page.newest().say('ping', { v: 1, type: 'ping', organization_id: 123, cursor: 'k7x2.4' });
    const lastSignAt = Date.now();
    vi.setSystemTime(lastSignAt + 8 * 3_600_000);
    await pass(19_000);
    expect(page.connection()).toMatchObject({ kind: 'offline', since: lastSignAt });
  });

  test('is tried at once when the network comes back', async () => {
    const page = await watch();
    page.newest().fail();
    await settle();
    page.answers({ head: 'k7x2.4', log: null });
    page.reconnect();
    await settle();
    expect(page.opened.length).toBeGreaterThan(1);
    expect(page.connections()).toEqual(['offline', 'polling']);
  });
});

describe('a watch', () => {
  test('shows the run from the answer to a request, before the stream reports it', async () => {
    const page = await watch();
    page.newest().hello();
    page.newest().say('snapshot', aSnapshot('k7x2.4', null));
    page.applyLog(aLog({ cursor: 'k7x2.5' }));
    expect(page.state()).toMatchObject({ cursor: 'k7x2.4', log: { id: 17 } });
  });

  test('does nothing after it was stopped', async () => {
    const page = await watch();
    page.newest().fail();
    await settle();
    page.stop();
    const [asked, last] = [page.polls.length, page.state()];
    page.reconnect();
    page.applyLog(aLog({ percent: 12 }));
    await pass(120_000);
    expect(page.polls).toHaveLength(asked);
    expect(page.opened).toHaveLength(1);
    expect(page.state()).toBe(last);
    expect(vi.getTimerCount()).toBe(0);
  });
});
