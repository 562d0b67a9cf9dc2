/** The dialog of confirm-dialog.tsx, loaded when something is asked for the first time. */
import { lazy, Suspense } from 'react';
import type { ConfirmDialogProps } from './confirm-dialog.tsx';

const ConfirmDialog = lazy(() =>
  import('./confirm-dialog.tsx').then(({ ConfirmDialog: loaded }) => ({ default: loaded })),
);

export function LazyConfirmDialog(props: ConfirmDialogProps) {
  if (!props.isOpen) return null;
  return (
    <Suspense>
      <ConfirmDialog {...props} />
    </Suspense>
  );
}
