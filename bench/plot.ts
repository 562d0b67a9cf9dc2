/** Line charts beside each other, as one SVG without scripts or fonts of its own. */

export interface Chart {
  title: string;
  /** The name of the x axis. */
  across: string;
  lines: readonly Line[];
}

interface Line {
  name: string;
  points: readonly { x: number; y: number }[];
}

const WIDTH = 300;
const HEIGHT = 240;
/** Of the plot inside a chart. */
const FRAME = { left: 44, top: 34, right: 14, bottom: 62 };
const COLOURS = ['#0b6e99', '#b3541e', '#4a7a2c'];
const GRID_LINES = 4;

/** @param unit of the y axis of all charts, which begins at 0 */
export function plot(charts: readonly Chart[], unit: string): string {
  const most = Math.max(
    ...charts.flatMap(({ lines }) => lines.flatMap(({ points }) => points.map(({ y }) => y))),
  );
  const top = roundUp(most);
  const bodies = charts.map(
    (chart, n) => `<g transform="translate(${n * WIDTH} 0)">${draw(chart, top, unit)}</g>`,
  );
  const size = `${charts.length * WIDTH} ${HEIGHT}`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size}" role="img" font-family="sans-serif" font-size="11">`,
    `<title>${escaped(charts.map(({ title }) => title).join(', '))}</title>`,
    '<rect width="100%" height="100%" fill="#ffffff"/>',
    ...bodies,
    '</svg>\n',
  ].join('\n');
}

function draw({ title, across, lines }: Chart, top: number, unit: string): string {
  const values = [...new Set(lines.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const [right, bottom] = [WIDTH - FRAME.right, HEIGHT - FRAME.bottom];
  const most = values.at(-1) ?? 1;
  const atX = (x: number) => round(FRAME.left + (x / most) * (right - FRAME.left));
  const atY = (y: number) => round(bottom - (y / top) * (bottom - FRAME.top));
  const grid = Array.from({ length: GRID_LINES + 1 }, (_, n) => (top / GRID_LINES) * n).map(
    (y) =>
      `<path d="M${FRAME.left} ${atY(y)}H${right}" stroke="#d5d9dd"/>${text(FRAME.left - 6, atY(y) + 4, 'end', label(y))}`,
  );
  const ticks = values.map((x) => text(atX(x), bottom + 16, 'middle', label(x)));
  const drawn = lines.map(({ name, points }, n) => {
    const colour = COLOURS[n % COLOURS.length];
    const path = points.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${atX(x)} ${atY(y)}`).join('');
    const dots = points.map(({ x, y }) => `<circle cx="${atX(x)}" cy="${atY(y)}" r="3" fill="${colour}"/>`);
    const keyY = HEIGHT - 10;
    const keyX = FRAME.left + n * 120;
    const key = `<circle cx="${keyX}" cy="${keyY - 4}" r="4" fill="${colour}"/>${text(keyX + 8, keyY, 'start', name)}`;
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}${key}`;
  });
  return [
    text(FRAME.left, 16, 'start', `${title} (${unit})`, 'font-weight="bold"'),
    ...grid,
    ...ticks,
    text((FRAME.left + right) / 2, bottom + 32, 'middle', across),
    ...drawn,
  ].join('\n');
}

const text = (x: number, y: number, anchor: string, content: string, more = ''): string =>
  `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="#20262c" ${more}>${escaped(content)}</text>`;

const escaped = (content: string): string =>
  content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const round = (value: number): number => Math.round(value * 10) / 10;

const label = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 1 });

/** To a number whose quarters are short: 1, 2, 4 or 8 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 8].find((step) => step * power >= value) ?? 10) * power;
}
