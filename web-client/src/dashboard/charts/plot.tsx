/** The frame of every chart: size, scales, grid and axes. The caller draws the content. */
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
  /** The position of 0, or of the lowest value. */
  floor: number;
}

export interface PlotProps {
  label: string;
  figures: readonly Figure[];
  domain: [from: number, to: number];
  formatValue(value: number): string;
  draw(scales: PlotScales): ReactNode;
}

/** In rem, like the text of the axes, so that everything grows on large screens. */
const HEIGHT = 10.5;
const MARGIN = { top: 0.5, right: 1.125, bottom: 1.625, left: 3.375 };
const LABELS_AT_MOST_EVERY = 4.5;

export function Plot({ label, figures, domain, formatValue, draw }: PlotProps) {
  const { holder, width, rem } = useSize();
  const [left, height] = [MARGIN.left * rem, HEIGHT * rem];
  const inner = Math.max(0, width - left - MARGIN.right * rem);
  const floor = height - MARGIN.bottom * rem;
  const xScale = scaleBand({
    domain: figures.map(({ key }) => key),
    range: [left, left + inner],
    padding: 0.35,
  });
  const yScale = scaleLinear({ domain, range: [floor, MARGIN.top * rem] });
  const labels = new Map(figures.map((figure) => [figure.key, figure.label]));
  return (
    <div className="plot" ref={holder}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label}>
          <GridRows scale={yScale} width={inner} left={left} numTicks={3} className="plot-grid" stroke="" />
          <AxisLeft
            scale={yScale}
            left={left}
            numTicks={3}
            hideAxisLine
            hideTicks
            stroke=""
            tickFormat={(value) => formatValue(Number(value))}
            tickLabelProps={{ className: 'plot-label', textAnchor: 'end', dx: '-0.25em', dy: '0.35em' }}
          />
          <AxisBottom
            scale={xScale}
            top={floor}
            hideTicks
            axisLineClassName="plot-axis"
            stroke=""
            tickValues={everyNth(figures, inner / (LABELS_AT_MOST_EVERY * rem))}
            tickFormat={(key) => labels.get(String(key)) ?? ''}
            tickLabelProps={{ className: 'plot-label', textAnchor: 'middle', dy: '0.2em' }}
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

/** As many labels as fit. */
function everyNth(figures: readonly Figure[], most: number): string[] {
  const room = Math.max(1, Math.floor(most));
  const step = Math.max(1, Math.ceil(figures.length / room));
  const middle = Math.floor(step / 2);
  return figures.flatMap(({ key }, index) => (index % step === middle ? [key] : []));
}

/** In pixels. A change of the font size changes the width too. */
function useSize() {
  const holder = useRef<HTMLDivElement>(null);
  const [size, setSize] = useState({ width: 0, rem: 16 });
  useEffect(() => {
    if (holder.current === null) return;
    const observer = new ResizeObserver(([entry]) => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      setSize({ width: Math.floor(entry?.contentRect.width ?? 0), rem });
    });
    observer.observe(holder.current);
    return () => observer.disconnect();
  }, []);
  return { holder, ...size };
}
