import { useEffect, useRef } from "react";
import UPlot from "uplot";
import type { Series } from "../model/series";

const HEIGHT = 104;

/** Below this width, in pixels, half of the times are named. */
const NARROW = 220;

/** Seconds that are shown when the page has just been opened: a chart that begins grows to its span. */
const SHORTEST = 60;

/** Lines over time. What they say stands beside the chart as text, too; the drawing has one sentence for those who do not see it. */
export function Chart(props: {
  label: string;
  series: Series;
  /** Names of colours in the style sheet, one for each line. */
  colours: readonly string[];
  /** Seconds that are shown. */
  span: number;
  /** Points in place of a filled line, for values that come one by one. */
  points?: boolean;
  dark: boolean;
}) {
  const { series, colours, span, points, dark } = props;
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | undefined>(undefined);
  const newest = useRef(series);
  newest.current = series;
  const names = colours.join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read from the style sheet, which changes with the theme
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const drawn = new UPlot(
      options(element, names.split(","), points === true, span),
      newest.current as UPlot.AlignedData,
      element,
    );
    plot.current = drawn;
    const observer = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      drawn.destroy();
      plot.current = undefined;
    };
  }, [names, points, span, dark]);

  useEffect(() => {
    plot.current?.setData(series as UPlot.AlignedData);
  }, [series]);

  return <div ref={holder} className="chart" role="img" aria-label={props.label} />;
}

function options(element: HTMLElement, colours: string[], points: boolean, span: number): UPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour("muted"),
    font: "11px system-ui, sans-serif",
    ticks: { show: false },
    gap: 4,
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    padding: [6, 12, 0, 0],
    scales: {
      x: {
        time: true,
        range: (_, first) => {
          const now = Date.now() / 1000;
          return [Math.max(now - span, Math.min(first ?? now, now - SHORTEST)), now];
        },
      },
      y: { range: (_, __, most) => [0, Math.max(1, (most ?? 0) * 1.15)] },
    },
    axes: [
      {
        ...axis,
        size: 18,
        grid: { show: false },
        splits: (plot, __, first, last) => ticks(first, last, plot.width < NARROW ? 2 : 1),
        values: (plot, times) => times.map((at) => ago((plot.scales.x?.max ?? at) - at)),
      },
      { ...axis, size: 34, space: 30, grid: { stroke: colour("line"), width: 1 } },
    ],
    series: [
      {},
      ...colours.map((name): UPlot.Series => {
        const stroke = colour(name);
        return {
          stroke,
          width: points ? 1 : 1.75,
          points: { show: points, size: 5, fill: stroke, stroke },
          spanGaps: points,
          ...(colours.length === 1 && !points ? { fill: colour(`${name}-soft`) } : {}),
        };
      }),
    ],
  };
}

/** Times at even distances before the last one. */
function ticks(first: number, last: number, every: number): number[] {
  const step = (last - first > 90 ? 60 : 20) * every;
  const count = Math.floor((last - first) / step - 0.25);
  return Array.from({ length: Math.max(0, count) }, (_, index) => last - (count - index) * step);
}

function ago(seconds: number): string {
  return seconds < 60 ? `−${Math.round(seconds)} s` : `−${Math.round(seconds / 60)} min`;
}
