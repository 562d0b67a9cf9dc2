/** `patient-sync-client/vue`. */
export type { SyncProgressOptions } from '../../../web-client/src/progress/progress-state.ts';
export type { SyncProgressTexts } from '../../../web-client/src/progress/texts.ts';
export { type LiveSyncProgress, useSyncProgress } from '../../../web-client/src/vue/use-sync-progress.ts';
