/** A label, its control, and a hint. */
import { type ReactNode, useId } from 'react';

export interface FieldProps {
  label: string;
  hint?: ReactNode;
  /** Gets the ids that connect the three. */
  children(ids: { id: string; 'aria-describedby': string }): ReactNode;
}

export function Field({ label, hint, children }: FieldProps) {
  const id = useId();
  const hintId = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, 'aria-describedby': hintId })}
      <p className="hint" id={hintId}>
        {hint}
      </p>
    </div>
  );
}
