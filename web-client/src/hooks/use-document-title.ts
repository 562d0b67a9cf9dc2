/** The title of the page in the browser's tab and history. */
import { useEffect } from 'react';

/** @param parts from the most special to the most general, without the product's name */
export function useDocumentTitle(...parts: readonly string[]): void {
  const title = [...parts, 'Patient Sync'].join(' · ');
  useEffect(() => {
    document.title = title;
  }, [title]);
}
