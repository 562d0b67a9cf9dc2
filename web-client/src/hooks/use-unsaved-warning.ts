/** Before the page is left, the browser asks the person about input that is not saved. */
import { useEffect } from 'react';

/** Forms with such input. */
let unsavedForms = 0;

export const hasUnsavedInput = (): boolean => unsavedForms > 0;

export function useUnsavedWarning(isUnsaved: boolean): void {
  useEffect(() => {
    if (!isUnsaved) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    unsavedForms += 1;
    return () => {
      window.removeEventListener('beforeunload', ask);
      unsavedForms -= 1;
    };
  }, [isUnsaved]);
}
