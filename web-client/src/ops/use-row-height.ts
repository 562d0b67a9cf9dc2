/** The height of a row in pixels: one of two sizes, by page width as in table.css, in the user's font size. */
import { useEffect, useState } from 'react';

const NARROW = '(max-width: 52rem)';
const ROW_REM = { wide: 2.25, narrow: 5.25 };

export function useRowHeight(): number {
  const [height, setHeight] = useState(heightNow);
  useEffect(() => {
    const update = (): void => setHeight(heightNow());
    window.addEventListener('resize', update);
    return () => window.removeEventListener('resize', update);
  }, []);
  return height;
}

function heightNow(): number {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  return Math.round(rem * (window.matchMedia(NARROW).matches ? ROW_REM.narrow : ROW_REM.wide));
}
