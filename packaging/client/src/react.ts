/** `patient-sync-client/react`. */
export type { SyncProgressDetail } from '../../../web-client/src/embed/sync-progress-element.ts';
export type { SyncProgressOptions } from '../../../web-client/src/progress/progress-state.ts';
export type { SyncProgressTexts } from '../../../web-client/src/progress/texts.ts';
export { SyncProgress, type SyncProgressProps } from '../../../web-client/src/react/sync-progress.ts';
export { type LiveSyncProgress, useSyncProgress } from '../../../web-client/src/react/use-sync-progress.ts';
