/** The dialog of confirm-dialog.tsx, loaded on first use. */
import type { ConfirmDialogProps } from './confirm-dialog.tsx';
import { loadOnDemand } from './load-on-demand.tsx';

const ConfirmDialog = loadOnDemand(() =>
  import('./confirm-dialog.tsx').then(({ ConfirmDialog: loaded }) => loaded),
);

export function LazyConfirmDialog(props: ConfirmDialogProps) {
  return props.isOpen ? <ConfirmDialog {...props} /> : null;
}
