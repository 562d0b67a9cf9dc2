/** The element's shadow tree: created once, then updated. Text only, never markup. */
import { problemText, stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import type { Connection } from '../live/connection.ts';
import type { OrganizationState } from '../live/organization-state.ts';
import { barTone } from '../ui/display-state.ts';
import { TIME } from '../ui/time-format.ts';
import { LOOK } from './style.ts';

export interface View {
  setLabel(label: string): void;
  show(state: OrganizationState, connection: Connection): void;
  /** For screen readers. */
  say(words: string): void;
  /** Instead of a run: the element was used incorrectly. */
  showProblem(problem: string): void;
}

const NUMBER = new Intl.NumberFormat('en');

export function createView(root: ShadowRoot): View {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(LOOK);
  // A constructed style sheet: a policy that forbids inline styles allows it.
  root.adoptedStyleSheets = [sheet];
  const [label, connection] = [part('span', 'label'), part('span', 'connection')];
  const [bar, fill] = [part('div', 'bar'), part('div', 'fill')];
  const [text, remaining] = [part('span', 'text'), part('span', 'remaining')];
  const [step, problem] = [part('p', 'step'), part('p', 'problem')];
  const [box, announcer] = [part('div', 'box'), part('div', 'announcer')];
  announcer.setAttribute('role', 'status');
  label.id = 'label';
  for (const [name, value] of Object.entries(BAR)) bar.setAttribute(name, value);
  bar.append(fill);
  box.append(row(label, connection), bar, row(text, remaining), step, problem);
  root.append(box, announcer);

  return {
    setLabel: (words) => write(label, words),
    say: (words) => write(announcer, words),
    showProblem: (words) => write(problem, words),
    show(state, now) {
      const { log, percent } = state;
      box.dataset.tone = barTone(log);
      box.dataset.status = log?.status ?? 'none';
      box.dataset.connection = now.isCatchingUp ? 'catching-up' : now.kind;
      box.dataset.transport = now.transport ?? 'none';
      const counts = countsOf(log, percent);
      bar.setAttribute('aria-valuenow', String(percent));
      bar.setAttribute('aria-valuetext', counts);
      fill.style.width = `${percent}%`;
      write(connection, connectionWords(now));
      write(text, counts);
      write(remaining, remainingOf(log));
      write(step, state.isKnown ? stepOf(log) : '');
      write(problem, (log && problemText(log)) ?? '');
    },
  };
}

const BAR = {
  role: 'progressbar',
  'aria-labelledby': 'label',
  'aria-valuemin': '0',
  'aria-valuemax': '100',
};

function part(tag: 'div' | 'span' | 'p', name: string): HTMLElement {
  const element = document.createElement(tag);
  element.className = name;
  element.setAttribute('part', name);
  return element;
}

function row(...parts: HTMLElement[]): HTMLElement {
  const element = part('div', 'row');
  element.append(...parts);
  return element;
}

/** An unchanged text is not written again: screen readers and observers would see a change. */
function write(element: HTMLElement, words: string): void {
  if (element.textContent !== words) element.textContent = words;
}

/** The problem text explains a failed run, mostly in the same words. */
function stepOf(log: SyncLog | null): string {
  if (log === null) return 'No sync yet.';
  const isExplained = log.error_details !== null && (problemText(log) ?? '').includes(log.error_details);
  return isExplained ? '' : stepText(log);
}

function countsOf(log: SyncLog | null, percent: number): string {
  const stored = NUMBER.format(log?.records_success ?? 0);
  const found = NUMBER.format(log?.metadata.patients_found ?? 0);
  return `${stored} / ${found} patients (${percent.toFixed(1)}%)`;
}

function remainingOf(log: SyncLog | null): string {
  if (log?.status !== 'running') return '';
  const { estimated_remaining: left } = log.metadata;
  return left ? `${left} left` : '';
}

function connectionWords({ kind, since, isCatchingUp, refusedWith }: Connection): string {
  switch (kind) {
    case 'connecting':
      return 'Connecting';
    case 'live':
      return isCatchingUp ? 'Catching up' : 'Live';
    case 'polling':
      return 'Polling';
    case 'offline':
      if (refusedWith === 401 || refusedWith === 403) return 'Not allowed';
      return `Offline since ${TIME.format(since)}`;
    default:
      return kind satisfies never;
  }
}
