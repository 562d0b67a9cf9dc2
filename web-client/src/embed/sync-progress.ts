/**
 * The script at `/embed/sync-progress.js`: defines `<sync-progress>`. One file without dependencies, for a plain
 * `<script src>` in any page. An element without `src` follows the server that the script came from.
 */
import { defineSyncProgress, SyncProgressElement } from './sync-progress-element.ts';

/** Known only during the first execution of the script. */
const SCRIPT = document.currentScript;
const SCRIPT_SERVER =
  SCRIPT instanceof HTMLScriptElement && SCRIPT.src !== '' ? serverOf(new URL(SCRIPT.src)) : '';

/** The server of the script, with its BASE_PATH; of a copy in another place, the origin. */
function serverOf({ origin, pathname }: URL): string {
  const base = /^(.*)\/embed\/sync-progress\.js$/.exec(pathname)?.[1] ?? '';
  return `${origin}${base}`;
}

class EmbeddedSyncProgress extends SyncProgressElement {
  protected override readonly defaultSource = SCRIPT_SERVER;
}

defineSyncProgress(EmbeddedSyncProgress);
