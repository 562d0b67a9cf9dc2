/** The button below a list that is read page by page. */
import type { RefCallback } from 'react';

export interface MoreButtonProps {
  /** Passes the focus on (restore-focus.ts). */
  ref: RefCallback<HTMLElement>;
  className: string;
  words: string;
  isReading: boolean;
  onMore(): void;
}

export function MoreButton({ ref, className, words, isReading, onMore }: MoreButtonProps) {
  return (
    <button
      ref={ref}
      type="button"
      className={`btn ${className}`}
      aria-disabled={isReading}
      onClick={isReading ? undefined : onMore}
    >
      {isReading ? 'Reading…' : words}
    </button>
  );
}
