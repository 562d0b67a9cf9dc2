/** The element's shadow tree: created once, then updated. Text only, never markup. */
import { problemText, stepText } from '#contract/progress.ts';
import type { SyncLog } from '#contract/sync-log.ts';
import { type Connection, isConnected } from '../live/connection.ts';
import type { OrganizationState } from '../live/organization-state.ts';
import { barTone } from '../ui/display-state.ts';
import { counterText, formatPercent, shownPercent, storedShare } from '../ui/format.ts';
import { CLOCK, TIME } from '../ui/time-format.ts';
import { LOOK } from './style.ts';

export interface View {
  setLabel(label: string): void;
  show(state: OrganizationState, connection: Connection): void;
  /** For screen readers. */
  say(words: string): void;
  /** Instead of a run: the element was used incorrectly. */
  showProblem(problem: string): void;
}

export function createView(root: ShadowRoot): View {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(LOOK);
  // A constructed style sheet: a policy that forbids inline styles allows it.
  root.adoptedStyleSheets = [sheet];
  const [label, connection] = [part('span', 'label'), part('span', 'connection')];
  const [bar, fill, missed] = [part('div', 'bar'), part('div', 'fill'), part('div', 'missed')];
  const [text, remaining] = [part('span', 'text'), part('span', 'remaining')];
  const [step, problem] = [part('p', 'step'), part('p', 'problem')];
  const [box, announcer] = [part('div', 'box'), part('div', 'announcer')];
  announcer.setAttribute('role', 'status');
  label.id = 'label';
  for (const [name, value] of Object.entries(BAR)) bar.setAttribute(name, value);
  bar.append(fill, missed);
  box.append(row(label, connection), bar, row(text, remaining), step, problem);
  root.append(box, announcer);

  /** When the server was last known to answer. */
  let answeredAt = Date.now();

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
      const known = shownPercent(log, percent);
      const counts = countsOf(log, known);
      setValue(bar, known, counts);
      setParts(fill, missed, known, log === null ? 1 : storedShare(log));
      if (isConnected(now)) answeredAt = Date.now();
      write(connection, connectionWords(now));
      write(text, counts);
      write(remaining, remainingOf(log, isConnected(now) ? null : answeredAt));
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

/** Without a value before the total is known. */
function setValue(bar: HTMLElement, percent: number | null, words: string): void {
  if (percent === null) bar.removeAttribute('aria-valuenow');
  else bar.setAttribute('aria-valuenow', String(percent));
  bar.dataset.known = String(percent !== null);
  bar.setAttribute('aria-valuetext', words);
}

/** @param stored 0 to 1: the rest could not be stored */
function setParts(fill: HTMLElement, missed: HTMLElement, percent: number | null, stored: number): void {
  fill.style.width = percent === null ? '' : `${percent * stored}%`;
  missed.style.width = `${(percent ?? 0) * (1 - stored)}%`;
  missed.hidden = stored === 1;
}

/** The problem text explains a failed run, and one that could not store every patient: a tick would deny it. */
function stepOf(log: SyncLog | null): string {
  if (log === null) return 'No sync yet.';
  const problem = problemText(log);
  const isExplained = problem !== null && (log.status === 'completed' || isIn(log.error_details, problem));
  return isExplained ? '' : stepText(log);
}

function isIn(details: string | null, problem: string): boolean {
  return details !== null && problem.includes(details);
}

function countsOf(log: SyncLog | null, percent: number | null): string {
  const counts = counterText(log);
  return percent === null ? counts : `${counts} (${formatPercent(percent)})`;
}

/** @param frozenAt the time of the state while the connection is lost: nothing is promised then */
function remainingOf(log: SyncLog | null, frozenAt: number | null): string {
  if (log?.status !== 'running') return '';
  if (frozenAt !== null) return `as of ${CLOCK.format(frozenAt)}`;
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
