/** How much of the window the selection bar covers: a row that the keyboard reaches must be above it. */
import { type RefCallback, useCallback, useState } from 'react';

/** @returns pixels at the end of the window, 0 without a bar; and the `ref` of the bar */
export function useCoveredHeight(): [height: number, bar: RefCallback<HTMLElement>] {
  const [height, setHeight] = useState(0);
  const bar = useCallback((element: HTMLElement | null) => {
    if (element === null) return;
    // The bar keeps a distance from the end of the window. The row keeps the same distance from the bar.
    const measure = (): void =>
      setHeight(element.offsetHeight + 2 * Number.parseFloat(getComputedStyle(element).bottom));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      observer.disconnect();
      setHeight(0);
    };
  }, []);
  return [height, bar];
}
