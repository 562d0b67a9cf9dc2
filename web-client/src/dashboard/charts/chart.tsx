/** One chart with its title, its main figure, and a table with the same figures. */
import { LinePath } from '@visx/shape';
import type { Figure } from './figures.ts';
import { Plot, type PlotScales } from './plot.tsx';

export interface ChartProps {
  title: string;
  /** "99.4%": the average, or another figure for the whole chart. */
  headline: string;
  /** The meaning of the headline: "average of 12 days". */
  meaning: string;
  kind: 'bars' | 'line';
  figures: readonly Figure[];
  domain: [from: number, to: number];
  formatValue(value: number): string;
}

export function Chart({ title, headline, meaning, kind, figures, domain, formatValue }: ChartProps) {
  return (
    <figure className="chart">
      <figcaption>
        <p className="chart-title">{title}</p>
        <p className="chart-headline">
          {headline} <span className="soft">{meaning}</span>
        </p>
      </figcaption>
      <Plot
        label={`${title}: ${headline}, ${meaning}`}
        figures={figures}
        domain={domain}
        formatValue={formatValue}
        draw={(scales) =>
          kind === 'bars' ? (
            <Bars figures={figures} scales={scales} />
          ) : (
            <Line figures={figures} scales={scales} />
          )
        }
      />
      <FigureTable title={title} figures={figures} formatValue={formatValue} />
    </figure>
  );
}

/** The values as text, for readers who cannot use the drawing. */
function FigureTable({ title, figures, formatValue }: Pick<ChartProps, 'title' | 'figures' | 'formatValue'>) {
  return (
    <details className="chart-table">
      <summary>Table</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard. */}
      <section className="chart-scroller" tabIndex={0} aria-label={`Table: ${title}`}>
        <table>
          <tbody>
            {figures.map(({ key, label, value, words }) => (
              <tr key={key}>
                <th scope="row">{label}</th>
                <td className="number">{value === null ? '–' : formatValue(value)}</td>
                <td className="soft">{words}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

interface Drawn {
  figures: readonly Figure[];
  scales: PlotScales;
}

const WIDEST_BAR = 22;

function Bars({ figures, scales }: Drawn) {
  const width = Math.min(WIDEST_BAR, scales.bandwidth);
  return figures.map((figure) => {
    const left = scales.x(figure) + (scales.bandwidth - width) / 2;
    const top = figure.value === null ? scales.floor - 2 : Math.min(scales.floor - 2, scales.y(figure.value));
    return (
      <rect
        key={figure.key}
        className="plot-bar"
        data-empty={figure.value === null}
        data-failed={figure.isFailed === true}
        x={left}
        y={top}
        width={width}
        height={scales.floor - top}
        rx={Math.min(3, width / 2)}
      >
        <title>{figure.words}</title>
      </rect>
    );
  });
}

const DOT = 3.5;

/** A missing value is a dash on the axis: a dot there would read as the lowest value. */
function Line({ figures, scales }: Drawn) {
  const middle = (figure: Figure) => scales.x(figure) + scales.bandwidth / 2;
  const known = figures.flatMap((figure) =>
    figure.value === null ? [] : [{ ...figure, value: figure.value }],
  );
  return (
    <>
      <LinePath data={known} x={middle} y={({ value }) => scales.y(value)} className="plot-line" stroke="" />
      {known.map((figure) => (
        <circle key={figure.key} className="plot-dot" cx={middle(figure)} cy={scales.y(figure.value)} r={DOT}>
          <title>{figure.words}</title>
        </circle>
      ))}
      {figures
        .filter(({ value }) => value === null)
        .map((figure) => (
          <rect
            key={figure.key}
            className="plot-none"
            x={middle(figure) - DOT}
            y={scales.floor - 3}
            width={2 * DOT}
            height={3}
          >
            <title>{figure.words}</title>
          </rect>
        ))}
    </>
  );
}
