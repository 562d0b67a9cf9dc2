/** An error of the time without a connection goes when the connection is back: what was asked for is read again, once. */
import { useEffect } from 'react';

/** @param error of the last read; null when it succeeded */
export function useReadAgainWhenBack(
  isConnected: boolean,
  error: string | null,
  readAgain: () => void,
): void {
  const isBack = isConnected && error !== null;
  useEffect(() => {
    if (isBack) readAgain();
  }, [isBack, readAgain]);
}
