import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { GenerationRow } from '../../../client/index.ts';
import { Row } from './row.tsx';

/** The height of a row in pixels, as in the style. */
export const ROW_PX = 76;
/** Rows beyond the window on either side, so that the keyboard finds the next one. */
const BEYOND = 12;

interface WindowedRowsProps {
  readonly rows: readonly GenerationRow[];
  /** Whether there are no further ones. */
  readonly isWhole: boolean;
  /** Called when the last rows come into view. */
  readonly onEnd: () => void;
}

/** Only draws the rows in view, however many there are. The page itself scrolls. */
export function WindowedRows({ rows, isWhole, onEnd }: WindowedRowsProps) {
  const list = useRef<HTMLUListElement>(null);
  const [range, setRange] = useState({ first: 0, last: 30 });

  const look = () => {
    if (list.current === null) return;
    const above = -list.current.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / ROW_PX) - BEYOND);
    const last = Math.ceil((above + innerHeight) / ROW_PX) + BEYOND;
    setRange((before) => (before.first === first && before.last === last ? before : { first, last }));
  };
  useEffect(() => {
    addEventListener('scroll', look, { passive: true });
    addEventListener('resize', look);
    return () => {
      removeEventListener('scroll', look);
      removeEventListener('resize', look);
    };
  }, []);
  useLayoutEffect(look, [rows.length]);
  useEffect(() => {
    if (range.last >= rows.length) onEnd();
  });

  const { first, last } = range;
  return (
    <ul ref={list} class="rows" style={{ height: `${rows.length * ROW_PX}px` }}>
      {rows.slice(first, last).map((row, offset) => (
        <li
          key={row.id}
          style={{ top: `${(first + offset) * ROW_PX}px` }}
          aria-setsize={isWhole ? rows.length : -1}
          aria-posinset={first + offset + 1}
        >
          <Row row={row} />
        </li>
      ))}
    </ul>
  );
}
