import { whileCurrent } from './while-current.ts';

/**
 * Reads now, and then as often as wanted. What arrives after the end is ignored.
 *
 * @param onAnswer returns the pause in milliseconds before the next read; null: there is none. So does `onFailure`
 * @returns the end, for the clean-up of an effect
 */
export function readRepeatedly<T>(
  read: () => Promise<T>,
  onAnswer: (answer: T) => number | null,
  onFailure: (error: unknown) => number | null,
): () => void {
  let end: () => void;
  const begin = (): void => {
    end = whileCurrent(
      read(),
      (answer) => continueAfter(onAnswer(answer)),
      (error) => continueAfter(onFailure(error)),
    );
  };
  const continueAfter = (pauseMs: number | null): void => {
    if (pauseMs === null) return;
    const timer = setTimeout(begin, pauseMs);
    end = () => clearTimeout(timer);
  };
  begin();
  return () => end();
}
