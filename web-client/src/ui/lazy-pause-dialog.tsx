/** The dialog of pause-dialog.tsx, loaded on first use. */
import { loadOnDemand } from './load-on-demand.tsx';

export const LazyPauseDialog = loadOnDemand(() =>
  import('./pause-dialog.tsx').then(({ PauseDialog: loaded }) => loaded),
);
