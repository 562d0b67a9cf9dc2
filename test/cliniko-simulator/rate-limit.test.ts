import { describe, expect, onTestFinished, test } from 'vitest';
import { startClinikoSimulator } from '../../src/cliniko-simulator/server.ts';
import { ask, askList, headersFor, open } from './support/requests.ts';

const START = Date.UTC(2026, 5, 1);

async function openWithClock(options: Parameters<typeof open>[0] = {}) {
  const clock = { ms: START };
  const simulator = await open({ requestsPerMinute: 3, now: () => new Date(clock.ms), ...options });
  const statuses = async (requests: number) => {
    const answered: number[] = [];
    for (let request = 0; request < requests; request++) answered.push((await askList(simulator)).status);
    return answered;
  };
  return { simulator, clock, statuses };
}

describe('the rate limit', () => {
  test('answers 429 with its reset time in seconds, and no other hint', async () => {
    const { simulator, statuses } = await openWithClock();
    expect(await statuses(3)).toEqual([200, 200, 200]);
    const limited = await askList(simulator);
    expect(limited.status).toBe(429);
    expect(limited.headers.get('x-ratelimit-reset')).toBe(`${(START + 60_000) / 1000}`);
    expect(limited.headers.has('retry-after')).toBe(false);
    expect(limited.headers.has('x-ratelimit-remaining')).toBe(false);
  });

  test('is 200 a minute by default', async () => {
    const simulator = await startClinikoSimulator({ patients: 1, now: () => new Date(START) });
    onTestFinished(() => simulator.close());
    for (let request = 0; request < 201; request++) await askList(simulator);
    expect(simulator.requests.map(({ status }) => status).lastIndexOf(200)).toBe(199);
  });

  test('accepts requests again when the minute is over', async () => {
    const { clock, statuses } = await openWithClock();
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
    clock.ms += 59_999;
    expect(await statuses(1)).toEqual([429]);
    clock.ms += 1;
    expect(await statuses(4)).toEqual([200, 200, 200, 429]);
  });

  test('may slide: a request expires after a minute', async () => {
    const { clock, statuses } = await openWithClock({ behaviour: { limitWindow: 'sliding' } });
    expect(await statuses(1)).toEqual([200]);
    clock.ms += 30_000;
    expect(await statuses(3)).toEqual([200, 200, 429]);
    clock.ms += 30_000;
    expect(await statuses(2)).toEqual([200, 429]);
  });

  test('may send Retry-After as well', async () => {
    const { simulator, clock, statuses } = await openWithClock({ retryAfter: true });
    await statuses(3);
    clock.ms += 45_000;
    expect((await askList(simulator)).headers.get('retry-after')).toBe('15');
  });

  test('counts all keys of the user together, but no rejected requests', async () => {
    const { simulator, statuses } = await openWithClock({ otherApiKeys: ['MxOther-au1'] });
    await ask(simulator, '/patients', { headers: headersFor('wrong') });
    await ask(simulator, '/patients', { headers: headersFor('MxOther-au1') });
    await ask(simulator, '/user');
    expect(await statuses(2)).toEqual([200, 429]);
  });

  test.each([0, Number.POSITIVE_INFINITY])('is disabled by %s', async (requestsPerMinute) => {
    const { statuses } = await openWithClock({ requestsPerMinute });
    expect(new Set(await statuses(250))).toEqual(new Set([200]));
  });
});
