/**
 * The element's shadow tree: created once, then updated. Text only, never markup.
 *
 * Texts of people, and numbers beside texts of another direction, are isolated (`bdi`, `dir="auto"`): in a page in Arabic or
 * Hebrew "448 / 648" keeps its order.
 */
import { type Connection, isConnected } from '../live/connection.ts';
import type { OrganizationState } from '../live/organization-state.ts';
import { ENGLISH, nextAttemptAt, type SyncProgressTexts } from '../progress/texts.ts';
import { barTone, displayState } from '../ui/display-state.ts';
import { shownPercent, storedShare } from '../ui/format.ts';
import { createBar, part, write } from './parts.ts';
import { connectionWords, countsOf, remainingOf, stepOf } from './shown-text.ts';
import { addStyle } from './style.ts';

/** What the element shows. */
interface Content {
  texts: SyncProgressTexts;
  /** Null: that of the texts. */
  label: string | null;
  /** Instead of the problem of the run; null: that of the run. */
  problem: string | null;
  /** The button; null: there is none. */
  start: 'possible' | 'asking' | null;
  /** Null until the element is used correctly. */
  run: { state: OrganizationState; connection: Connection } | null;
}

export interface View {
  update(change: Partial<Content>): void;
  /** For screen readers. */
  say(words: string): void;
  /** Stops the countdown. The next update begins it again. */
  rest(): void;
}

const TICK_MS = 1_000;

/** @param onStart the button was pressed */
export function createView(root: ShadowRoot, onStart: () => void): View {
  addStyle(root);
  const parts = createParts(root, onStart);
  let content: Content = { texts: ENGLISH, label: null, problem: null, start: null, run: null };
  let ticking: ReturnType<typeof setTimeout> | undefined;

  const draw = (): void => {
    clearTimeout(ticking);
    const { run } = content;
    const hasConnection = run !== null && isConnected(run.connection);
    drawFrame(parts, content);
    if (run === null) clearRun(parts);
    else drawRun(parts, { ...run, texts: content.texts });
    if (hasConnection && nextAttemptAt(run.state.log) !== null) ticking = setTimeout(draw, TICK_MS);
  };
  return {
    update(change) {
      content = { ...content, ...change };
      draw();
    },
    say: (words) => write(parts.announcer, words),
    rest: () => clearTimeout(ticking),
  };
}

type Parts = ReturnType<typeof createParts>;

function createParts(root: ShadowRoot, onStart: () => void) {
  const [label, connection] = [part('bdi', 'label'), part('bdi', 'connection')];
  const [text, remaining] = [part('bdi', 'text'), part('bdi', 'remaining')];
  const [step, problem] = [part('p', 'step'), part('p', 'problem')];
  const [box, announcer] = [part('div', 'box'), part('div', 'announcer')];
  const start = part('button', 'start');
  const bar = createBar();
  label.id = 'label';
  step.dir = 'auto';
  problem.dir = 'auto';
  announcer.setAttribute('role', 'status');
  start.type = 'button';
  start.addEventListener('click', () => {
    if (start.getAttribute('aria-disabled') !== 'true') onStart();
  });
  box.append(row(label, connection), bar.element, row(text, remaining), step, problem, start);
  root.append(box, announcer);
  return { box, bar, label, connection, text, remaining, step, problem, start, announcer };
}

function row(...parts: HTMLElement[]): HTMLElement {
  const element = part('div', 'row');
  element.append(...parts);
  return element;
}

/** The parts around the run. */
function drawFrame(parts: Parts, { texts, label, problem, start, run }: Content): void {
  const log = run?.state.log ?? null;
  write(parts.label, label ?? texts.label);
  write(parts.problem, problem ?? (log && texts.problem(log)) ?? '');
  parts.start.hidden = start === null;
  parts.start.setAttribute('aria-disabled', String(log?.status === 'running' || start === 'asking'));
  write(parts.start, start === 'asking' ? texts.starting : texts.start);
}

function clearRun({ box, bar, connection, text, remaining, step }: Parts): void {
  for (const name of Object.keys(box.dataset)) delete box.dataset[name];
  bar.show(null, '', 1);
  for (const element of [connection, text, remaining, step]) write(element, '');
}

interface DrawnRun {
  state: OrganizationState;
  connection: Connection;
  texts: SyncProgressTexts;
}

function drawRun(parts: Parts, { state, connection, texts }: DrawnRun): void {
  const { log, percent } = state;
  const { dataset } = parts.box;
  dataset.tone = barTone(log);
  dataset.status = log?.status ?? 'none';
  dataset.state = stateName(state);
  dataset.connection = connection.isCatchingUp ? 'catching-up' : connection.kind;
  dataset.transport = connection.transport ?? 'none';
  const known = shownPercent(log, percent);
  const counts = countsOf(log, known, texts);
  const words = log === null && state.isKnown ? texts.never : counts;
  parts.bar.show(known, words, log === null ? 1 : storedShare(log));
  write(parts.connection, connectionWords(connection, texts));
  write(parts.text, counts);
  write(parts.remaining, remainingOf(log, connection, texts));
  write(parts.step, stepOf(state, connection, texts));
}

/** For the style of the page: `unknown` until the first answer, `never` without a run, else the state of the run. */
function stateName({ isKnown, log }: OrganizationState): string {
  if (!isKnown) return 'unknown';
  return log === null ? 'never' : displayState(log);
}
