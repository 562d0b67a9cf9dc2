/** The frame of every chart: size, scales, grid and axes. What is drawn in it is the caller's. */
import { AxisBottom, AxisLeft } from '@visx/axis';
import { GridRows } from '@visx/grid';
import { scaleBand, scaleLinear } from '@visx/scale';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { Figure } from './figures.ts';

export interface PlotScales {
  /** The left edge of a figure. */
  x(figure: Figure): number;
  bandwidth: number;
  y(value: number): number;
  /** Where 0, or the lowest value, lies. */
  floor: number;
}

export interface PlotProps {
  label: string;
  figures: readonly Figure[];
  domain: [from: number, to: number];
  formatValue(value: number): string;
  draw(scales: PlotScales): ReactNode;
}

const HEIGHT = 168;
const MARGIN = { top: 8, right: 18, bottom: 26, left: 54 };
const LABELS_AT_MOST_EVERY = 72;

export function Plot({ label, figures, domain, formatValue, draw }: PlotProps) {
  const { holder, width } = useWidth();
  const inner = Math.max(0, width - MARGIN.left - MARGIN.right);
  const floor = HEIGHT - MARGIN.bottom;
  const xScale = scaleBand({
    domain: figures.map(({ key }) => key),
    range: [MARGIN.left, MARGIN.left + inner],
    padding: 0.35,
  });
  const yScale = scaleLinear({ domain, range: [floor, MARGIN.top] });
  const labels = new Map(figures.map((figure) => [figure.key, figure.label]));
  return (
    <div className="plot" ref={holder}>
      {width > 0 && (
        <svg width={width} height={HEIGHT} role="img" aria-label={label}>
          <GridRows
            scale={yScale}
            width={inner}
            left={MARGIN.left}
            numTicks={3}
            className="plot-grid"
            stroke=""
          />
          <AxisLeft
            scale={yScale}
            left={MARGIN.left}
            numTicks={3}
            hideAxisLine
            hideTicks
            stroke=""
            tickFormat={(value) => formatValue(Number(value))}
            tickLabelProps={{ className: 'plot-label', textAnchor: 'end', dx: -4, dy: 4 }}
          />
          <AxisBottom
            scale={xScale}
            top={floor}
            hideTicks
            axisLineClassName="plot-axis"
            stroke=""
            tickValues={everyNth(figures, inner)}
            tickFormat={(key) => labels.get(String(key)) ?? ''}
            tickLabelProps={{ className: 'plot-label', textAnchor: 'middle', dy: 2 }}
          />
          {draw({
            x: ({ key }) => xScale(key) ?? 0,
            bandwidth: xScale.bandwidth(),
            y: (value) => yScale(value),
            floor,
          })}
        </svg>
      )}
    </div>
  );
}

/** As many labels as have room, the newest always. */
function everyNth(figures: readonly Figure[], width: number): string[] {
  const room = Math.max(1, Math.floor(width / LABELS_AT_MOST_EVERY));
  const step = Math.max(1, Math.ceil(figures.length / room));
  const middle = Math.floor(step / 2);
  return figures.flatMap(({ key }, index) => (index % step === middle ? [key] : []));
}

function useWidth() {
  const holder = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    if (holder.current === null) return;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    observer.observe(holder.current);
    return () => observer.disconnect();
  }, []);
  return { holder, width };
}
