/** Labelled figures. An unknown figure reserves its space, so that the layout does not jump. */
import type { ReactNode } from 'react';

export interface FactsProps {
  children: ReactNode;
  /** Texts that change while visible: each gets the available width. */
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
