/** Figures with their names. What is not known yet keeps its place, so that nothing jumps when it comes. */
import type { ReactNode } from 'react';

export interface FactsProps {
  children: ReactNode;
  /** Their texts change while one looks: each gets as much room as there is. */
  isLive?: boolean;
}

export function Facts({ children, isLive = false }: FactsProps) {
  return (
    <dl className="facts" data-live={isLive}>
      {children}
    </dl>
  );
}

export function Fact({ term, children }: { term: string; children: ReactNode }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{children ?? '–'}</dd>
    </div>
  );
}
