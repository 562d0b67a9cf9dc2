/**
 * The style of the element. Every colour and measure is a custom property that the page may set on the element or
 * above it. The parts (`box`, `label`, `connection`, `bar`, `fill`, `missed`, `text`, `remaining`, `step`, `problem`,
 * `start`) may be styled with `::part()`.
 *
 * Dark mode follows the page's own `color-scheme`, so a light page never gets a dark box. Browsers without `light-dark()` show the
 * light box.
 */
const LOOK = `
:host {
  --own-ink: #1b2320;
  --own-soft: #59635e;
  --own-line: #e3e0d6;
  --own-accent: #0f766e;
  --own-paper: #fffefb;
  --own-waiting: #8a5200;
  --own-completed: #15703a;
  --own-failed: #b0281e;
}
@supports (color: light-dark(#000, #fff)) {
  :host {
    --own-ink: light-dark(#1b2320, #e9eeeb);
    --own-soft: light-dark(#59635e, #9daaa4);
    --own-line: light-dark(#e3e0d6, #2a3431);
    --own-accent: light-dark(#0f766e, #4fd1bd);
    --own-paper: light-dark(#fffefb, #161d1b);
    --own-waiting: light-dark(#8a5200, #f0b95c);
    --own-completed: light-dark(#15703a, #6fd695);
    --own-failed: light-dark(#b0281e, #ff9a8d);
  }
}
:host {
  display: block;
  font: var(--sync-progress-font, inherit);
  color: var(--sync-progress-color, var(--own-ink));
  --soft: var(--sync-progress-soft, var(--own-soft));
  --track: var(--sync-progress-track, var(--own-line));
  --tone: var(--sync-progress-accent, var(--own-accent));
}
:host([hidden]) { display: none; }
.box {
  display: grid;
  gap: 0.5em;
  padding: var(--sync-progress-padding, 1em);
  background: var(--sync-progress-background, var(--own-paper));
  border: var(--sync-progress-border, 1px solid var(--own-line));
  border-radius: var(--sync-progress-radius, 0.75em);
  font-variant-numeric: tabular-nums;
  line-height: 1.4;
}
.box[data-tone="waiting"] { --tone: var(--sync-progress-waiting, var(--own-waiting)); }
.box[data-tone="completed"] { --tone: var(--sync-progress-completed, var(--own-completed)); }
.box[data-tone="failed"] { --tone: var(--sync-progress-failed, var(--own-failed)); }
.row { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0.25em 1em; }
.label { font-weight: 600; }
.connection, .remaining, .step { color: var(--soft); }
.connection { font-size: 0.875em; }
.connection::before {
  content: "";
  display: inline-block;
  width: 0.6em;
  height: 0.6em;
  margin-inline-end: 0.4em;
  border-radius: 50%;
  border: 0.125em solid var(--soft);
  box-sizing: border-box;
}
.box[data-connection="live"] .connection::before {
  background: var(--sync-progress-completed, var(--own-completed));
  border-color: transparent;
}
.bar {
  height: var(--sync-progress-height, 0.75em);
  background: var(--track);
  border-radius: 1em;
  display: flex;
  overflow: hidden;
}
.fill { width: 0; height: 100%; background: var(--tone); border-radius: inherit; transition: width 0.3s ease-out; }
.missed { flex: none; min-width: 0.25em; background: var(--sync-progress-waiting, var(--own-waiting)); }
.missed[hidden] { display: none; }
.box[data-tone="running"]:is([data-connection="live"], [data-connection="polling"]) .bar[data-known="false"] .fill {
  width: 30%;
  animation: seek 1.6s ease-in-out infinite alternate;
}
@keyframes seek { to { translate: calc(233% * var(--forwards, 1)); } }
:host(:dir(rtl)) { --forwards: -1; }
.box[data-connection="offline"] .fill { opacity: 0.55; }
.start {
  justify-self: start;
  padding: 0.4em 0.9em;
  border: 1px solid var(--tone);
  border-radius: 0.5em;
  background: transparent;
  color: inherit;
  font: inherit;
  cursor: pointer;
}
.start[hidden] { display: none; }
.start[aria-disabled="true"] { border-color: var(--track); color: var(--soft); cursor: default; }
p { margin: 0; overflow-wrap: anywhere; text-align: left; }
:host(:dir(rtl)) p { text-align: right; }
.problem { color: var(--sync-progress-failed, var(--own-failed)); }
.connection:empty, .problem:empty, .remaining:empty, .step:empty { display: none; }
.announcer {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
@media (prefers-reduced-motion: reduce) {
  .fill { transition: none; }
  .box[data-tone="running"][data-connection] .bar[data-known="false"] .fill { animation: none; }
}
@media (forced-colors: active) {
  .box[data-connection="live"] .connection::before { background: Highlight; forced-color-adjust: none; }
  .bar { border: 1px solid CanvasText; }
  .start[aria-disabled="true"] { border-color: GrayText; color: GrayText; }
  .fill { background: Highlight; forced-color-adjust: none; }
  .missed { background: repeating-linear-gradient(45deg, CanvasText 0 2px, Canvas 2px 4px); forced-color-adjust: none; }
}
`;

export function addStyle(root: ShadowRoot): void {
  try {
    // A document takes only those of its own window.
    const sheet = new (root.ownerDocument.defaultView ?? globalThis).CSSStyleSheet();
    sheet.replaceSync(LOOK);
    // A constructed style sheet: a policy that forbids inline styles allows it.
    root.adoptedStyleSheets = [sheet];
  } catch {
    // Older browsers have none, and neither has a test runner.
    const style = document.createElement('style');
    style.textContent = LOOK;
    root.append(style);
  }
}
