/** `patient-sync-client`: without a framework. */
export { problemText, stepText } from '../../../src/contract/progress.ts';
export * from '../../../web-client/src/live/follow-patient-changes.ts';
export * from '../../../web-client/src/live/live-client.ts';
