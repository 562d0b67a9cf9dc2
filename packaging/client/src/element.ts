/** `patient-sync-client/element`: defines `<sync-progress>` when it is loaded. It does nothing where there is no document. */
import { defineSyncProgress } from '../../../web-client/src/embed/sync-progress-element.ts';

export {
  type SyncProgressDetail,
  SyncProgressElement,
} from '../../../web-client/src/embed/sync-progress-element.ts';
export type { SyncProgressTexts } from '../../../web-client/src/progress/texts.ts';

defineSyncProgress();
