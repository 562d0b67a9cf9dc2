/** The dialog of reason-dialog.tsx, loaded on first use. */
import { loadOnDemand } from './load-on-demand.tsx';

export const REASON_OF_PAUSE = 'Reason, shown with the pause (optional)';

export const LazyReasonDialog = loadOnDemand(() =>
  import('./reason-dialog.tsx').then(({ ReasonDialog: loaded }) => loaded),
);
