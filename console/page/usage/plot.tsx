import { useEffect, useState } from 'preact/hooks';
import { formatUsd } from '../ui/format.ts';
import type { DayCost } from './by-day.ts';

const WIDEST = 800;
/** What is beside the plot in a narrow window. */
const BESIDE = 50;
const HEIGHT = 240;
const LEFT = 70;
const BOTTOM = 24;

interface PlotProps {
  readonly days: readonly DayCost[];
  /** The dearest first, which is the lowest part of each bar. */
  readonly models: readonly string[];
}

/** The cost of each day as a bar, by model. The table under it has the same numbers. */
export function Plot({ days, models }: PlotProps) {
  const width = useWidth();
  const totals = days.map(({ costUsd }) => Object.values(costUsd).reduce((sum, cost) => sum + cost, 0));
  const most = Math.max(...totals, 1e-6);
  const step = (width - LEFT) / days.length;
  const scale = (HEIGHT - BOTTOM - 10) / most;
  const floor = HEIGHT - BOTTOM;
  const every = Math.ceil((days.length * 90) / (width - LEFT));
  return (
    <svg class="plot" viewBox={`0 0 ${width} ${HEIGHT}`} role="img" aria-label="Cost by day and model">
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <line
            class="grid"
            x1={LEFT}
            x2={width}
            y1={floor - most * share * scale}
            y2={floor - most * share * scale}
          />
          <text x={LEFT - 8} y={floor - most * share * scale + 4} text-anchor="end">
            {formatUsd(Number((most * share).toPrecision(3)))}
          </text>
        </g>
      ))}
      {days.map(({ day, costUsd }, at) => {
        let top = floor;
        return (
          <g key={day}>
            {models.map((model, series) => {
              const height = (costUsd[model] ?? 0) * scale;
              top -= height;
              return (
                height > 0 && (
                  <rect
                    key={model}
                    class={`series-${series % 6}`}
                    x={LEFT + at * step + step * 0.1}
                    y={top}
                    width={step * 0.8}
                    height={height}
                  >
                    <title>{`${day}: ${model} ${formatUsd(costUsd[model] ?? 0)}`}</title>
                  </rect>
                )
              );
            })}
            {at % every === 0 && (
              <text x={Math.min(LEFT + (at + 0.5) * step, width - 18)} y={HEIGHT - 6} text-anchor="middle">
                {day.slice(5)}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** The width that keeps the texts as large as others. */
function useWidth(): number {
  const [width, setWidth] = useState(widthNow);
  useEffect(() => {
    const follow = () => setWidth(widthNow());
    addEventListener('resize', follow);
    return () => removeEventListener('resize', follow);
  }, []);
  return width;
}

const widthNow = () => Math.min(WIDEST, Math.max(200, innerWidth - BESIDE));
