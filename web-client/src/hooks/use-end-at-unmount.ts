/** An answer that arrives after a dialog was closed must not close the next one. */
import { type RefObject, useEffect, useRef } from 'react';

/** @returns gets the end of the request that is under way (while-current.ts) */
export function useEndAtUnmount(): RefObject<() => void> {
  const end = useRef(() => {});
  useEffect(() => () => end.current(), []);
  return end;
}
