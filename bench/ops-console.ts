/**
 * The ops console in a real browser: 500 organizations, 100 of them running, each with four updates a second. Measures
 * what a person would notice: the longest blocking of the page, and the intervals between its frames.
 *
 * The runs are rows of an external writer, so that the machine is busy with the page and not with a hundred syncs.
 */
import type { Page } from 'playwright-core';
import { startServer } from '../src/server/server.ts';
import { launchChromium } from '../test/browser/support/chromium.ts';
import { startRuns, stepRuns } from '../test/browser/support/external-runs.ts';
import { type Environment, openEnvironment } from './environment.ts';
import { productConfig, silentLogger } from './product.ts';
import { progress } from './rounds.ts';
import type { Row } from './table.ts';

const ORGANIZATIONS = 500;
const RUNNING = 100;
const STEPS_A_SECOND = 4;
/** For warming up, and then for measuring. */
const WHOLE = { warmUp: 5, measured: 20 };
const QUICK = { warmUp: 2, measured: 5 };
/** Above this a person notices a stutter; browsers call it a long task. */
const FRAME_MS = 50;

/** Measured by the page. */
interface Steadiness {
  frames: number;
  /** Between two frames: p99, and the longest. */
  p99Ms: number;
  worstMs: number;
  /** Periods of more than 50 ms in which the page was blocked. */
  longTasks: number;
}

export async function benchOpsConsole({ isQuick }: { isQuick: boolean }): Promise<Row[]> {
  const { warmUp, measured } = isQuick ? QUICK : WHOLE;
  const environment = await openEnvironment();
  const server = await startServer(productConfig(environment.url), silentLogger());
  const browser = await launchChromium();
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    const ids = Array.from({ length: ORGANIZATIONS }, (_, index) => index + 1);
    await startRuns(environment.database.sql, ids, 100_000);
    await environment.database
      .sql`update sync_logs set status = 'completed', completed_at = now() at time zone 'utc'
      where organization_id > ${RUNNING}`;
    await page.goto(`${server.url}/ops`);
    await page.locator(`table[aria-rowcount="${ORGANIZATIONS + 1}"]`).waitFor();
    progress(`${RUNNING} of ${ORGANIZATIONS} organizations run for ${warmUp + measured} s …`);
    // If one fails, the other one ends too.
    const [steadiness] = await Promise.all([
      page.waitForTimeout(warmUp * 1_000).then(() => measure(page, measured * 1_000)),
      stepFor(environment, ids.slice(0, RUNNING), warmUp + measured + 1),
    ]);
    return toRows(steadiness, measured);
  } finally {
    await browser.close();
    await server.stop();
    await environment.close();
  }
}

async function stepFor(environment: Environment, ids: readonly number[], seconds: number): Promise<void> {
  const end = performance.now() + seconds * 1_000;
  for (let step = 0; performance.now() < end; step += 1) {
    const next = performance.now() + 1_000 / STEPS_A_SECOND;
    await stepRuns(environment.database.sql, ids, step);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())));
  }
}

function measure(page: Page, forMs: number): Promise<Steadiness> {
  return page.evaluate(async (duration) => {
    const gaps: number[] = [];
    let longTasks = 0;
    const observer = new PerformanceObserver((list) => {
      longTasks += list.getEntries().length;
    });
    observer.observe({ type: 'longtask' });
    const start = performance.now();
    for (let last = start; last - start < duration; ) {
      const now = await new Promise<number>(requestAnimationFrame);
      gaps.push(now - last);
      last = now;
    }
    observer.disconnect();
    gaps.sort((one, other) => one - other);
    const p99Ms = gaps[Math.floor(gaps.length * 0.99)] ?? 0;
    return { frames: gaps.length, p99Ms, worstMs: gaps.at(-1) ?? 0, longTasks };
  }, forMs);
}

function toRows({ frames, p99Ms, worstMs, longTasks }: Steadiness, seconds: number): Row[] {
  const of = `the ${FRAME_MS} ms that a person notices`;
  const what = `${ORGANIZATIONS} organizations, ${RUNNING} running, ${seconds} s`;
  return [
    { name: `${what}: between frames, p99`, value: p99Ms, unit: 'ms', ratio: p99Ms / FRAME_MS, of },
    { name: `${what}: between frames, longest`, value: worstMs, unit: 'ms', ratio: worstMs / FRAME_MS, of },
    { name: `${what}: stretches of more than ${FRAME_MS} ms`, value: longTasks, unit: `of ${frames} frames` },
  ];
}
