/** A label, its control, and a hint, which an error replaces. */
import { type ReactNode, type RefObject, useEffect, useId } from 'react';

interface FieldIds {
  id: string;
  'aria-describedby': string;
  'aria-invalid': boolean;
}

export interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string | undefined;
  /** Gets the attributes that connect the three. */
  children(ids: FieldIds): ReactNode;
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const hintId = useId();
  const isInvalid = error !== undefined;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': hintId, 'aria-invalid': isInvalid })}
      <p className={isInvalid ? 'hint hint-bad' : 'hint'} id={hintId} role={isInvalid ? 'alert' : undefined}>
        {error ?? hint}
      </p>
    </div>
  );
}

/** @param errors new after each submission that failed, so the focus moves once */
export function useFocusOnError(form: RefObject<HTMLElement | null>, errors: object): void {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the errors decide when, and the document where
  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [form, errors]);
}
