/** Durations as text for people. */

/** "4m 22s", "45s", "1h 0m 5s": whole seconds, rounded. */
export function formatDuration(ms: number): string {
  const total = Math.max(0, Math.round(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = total % 60;
  if (hours > 0) return `${hours}h ${minutes}m ${seconds}s`;
  return minutes > 0 ? `${minutes}m ${seconds}s` : `${seconds}s`;
}

/** "45 seconds", "1 minute 5 seconds", "2 hours 10 minutes": a remaining time, rounded up so that it is not too optimistic. */
export function formatRemaining(ms: number): string {
  const total = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const seconds = total % 60;
  if (hours > 0) return joined([count(hours, 'hour'), count(minutes, 'minute')]);
  if (minutes > 0) return joined([count(minutes, 'minute'), count(seconds, 'second')]);
  return count(seconds, 'second') || '0 seconds';
}

function count(n: number, unit: string): string {
  if (n === 0) return '';
  return n === 1 ? `1 ${unit}` : `${n} ${unit}s`;
}

function joined(parts: string[]): string {
  return parts.filter((part) => part !== '').join(' ');
}
