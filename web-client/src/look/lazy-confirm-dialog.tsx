/** The dialog of confirm-dialog.tsx, loaded when something is asked for the first time. */
import type { ConfirmDialogProps } from './confirm-dialog.tsx';
import { whenWanted } from './when-wanted.tsx';

const ConfirmDialog = whenWanted(() =>
  import('./confirm-dialog.tsx').then(({ ConfirmDialog: loaded }) => loaded),
);

export function LazyConfirmDialog(props: ConfirmDialogProps) {
  return props.isOpen ? <ConfirmDialog {...props} /> : null;
}
