/** What changes soon is read again each second. */
import { useEffect } from 'react';

const EVERY_MS = 1_000;

export function useReadAgainWhile(isChanging: boolean, readAgain: () => void): void {
  useEffect(() => {
    if (!isChanging) return;
    const timer = setInterval(readAgain, EVERY_MS);
    return () => clearInterval(timer);
  }, [isChanging, readAgain]);
}
