/**
 * The script at `/embed/sync-progress.js`: defines `<sync-progress>`. One file without dependencies, for a plain
 * `<script src>` in any page. An element without `src` follows the server that the script came from.
 */
import { defineSyncProgress, SyncProgressElement } from './sync-progress-element.ts';

/** Known only during the first execution of the script. */
const SCRIPT = document.currentScript;
const SCRIPT_ORIGIN =
  SCRIPT instanceof HTMLScriptElement && SCRIPT.src !== '' ? new URL(SCRIPT.src).origin : '';

class EmbeddedSyncProgress extends SyncProgressElement {
  protected override readonly defaultSource = SCRIPT_ORIGIN;
}

defineSyncProgress(EmbeddedSyncProgress);
