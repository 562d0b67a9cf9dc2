/** A line of the last minute, without axes: the figure stands beside it. */
export function Sparkline({ counts }: { counts: readonly number[] }) {
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
