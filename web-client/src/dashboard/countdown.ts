/** The remaining time as it is shown: it ticks down between two reports, in steps, and only a real change moves it. Pure. */

/** The end that the page counts down to. */
export interface Countdown {
  runId: number;
  /** By the page's clock, in milliseconds. */
  endsAt: number;
}

/** A report that differs by less from what is shown changes nothing: the text would flicker. */
const TOLERANCE = { share: 0.1, leastMs: 5_000 };

/**
 * @param reportedMs as the server estimates it
 * @param nowMs when the report arrived
 */
export function countdownAfter(
  before: Countdown | null,
  runId: number,
  reportedMs: number | null,
  nowMs: number,
): Countdown | null {
  if (reportedMs === null) return null;
  const endsAt = nowMs + reportedMs;
  if (before === null || before.runId !== runId) return { runId, endsAt };
  const leftMs = Math.max(reportedMs, before.endsAt - nowMs);
  const isSmall = Math.abs(endsAt - before.endsAt) <= Math.max(TOLERANCE.leastMs, leftMs * TOLERANCE.share);
  return isSmall ? before : { runId, endsAt };
}

/** "a few seconds", "45 s", "2 min 30 s", "12 min", "1 h 20 min": never two lines. */
export function leftText(ms: number): string {
  const seconds = Math.ceil(Math.max(0, ms) / 1_000);
  if (seconds <= 5) return 'a few seconds';
  if (seconds <= 55) return `${roundedUp(seconds, 5)} s`;
  if (seconds <= 600) return minutesText(roundedUp(seconds, 15));
  return minutesText(roundedUp(seconds, 60));
}

function minutesText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60)
    return minutes % 60 === 0 ? `${minutes / 60} h` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

function roundedUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
