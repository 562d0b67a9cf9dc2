/** Fewer points would be a zigzag. */
const LEAST_COUNTS = 15;

/**
 * A line without axes, beside its figure. Time before the first count is left out.
 *
 * @param counts oldest first
 */
export function Sparkline({ counts: all }: { counts: readonly number[] }) {
  const first = all.findIndex((count) => count > 0);
  const counts = all.slice(Math.max(0, Math.min(first - 1, all.length - LEAST_COUNTS)));
  const most = Math.max(1, ...counts);
  const last = counts.length - 1;
  const points = counts
    .map((count, index) => `${(index / last) * 100},${29 - (count / most) * 27}`)
    .join(' ');
  return (
    <svg
      className="sparkline"
      viewBox="0 0 100 30"
      preserveAspectRatio="none"
      aria-hidden="true"
      focusable="false"
    >
      <polygon points={`0,30 ${points} 100,30`} />
      <polyline points={points} />
    </svg>
  );
}
