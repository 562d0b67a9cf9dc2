/**
 * `<sync-progress org="123" src="https://sync.example.com">`: the latest sync of an organization, live, in any page.
 *
 * It sends requests only to `src`. A server on another origin has to list the page's origin in `ALLOWED_ORIGINS`. On a
 * server with accounts the page gives the element a `getStreamToken` (live/access.ts).
 *
 * Events, which bubble: `sync-change` with every change, `sync-end` when a run that was seen running has ended; both
 * with `{log, percent, connection}` as `detail`. `sync-start` comes before a start: `preventDefault()` leaves the start to
 * the page.
 *
 * The console says why nothing arrives (offline-reason.ts).
 *
 * Not here: the script that pages load (sync-progress.ts). This module may be imported where there is no document.
 */
import type { SyncLog } from '#contract/sync-log.ts';
import type { Access } from '../live/access.ts';
import { type Connection, isConnected } from '../live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { type OrganizationWatch, watchOrganization } from '../live/watch-organization.ts';
import { startFullSync } from '../progress/progress-state.ts';
import { completeTexts, nextAttemptAt, type SyncProgressTexts } from '../progress/texts.ts';
import { learnServerTime } from '../server-time.ts';
import { type AnnouncedState, announce } from './announcements.ts';
import { atMostEvery } from './at-most-every.ts';
import { takeOverProperties } from './early-properties.ts';
import { offlineReason } from './offline-reason.ts';
import { addStyle } from './style.ts';
import { createView, type View } from './view.ts';

export interface SyncProgressDetail {
  log: SyncLog | null;
  percent: number;
  connection: Connection;
}

const NO_ORGANIZATION = 'The attribute "org" must be the id of an organization, such as 123.';
const WHOLE_NUMBER = /^[1-9][0-9]{0,9}$/;

/** A server that renders a page imports the class and never creates an element. */
const ElementOfBrowser = globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

export class SyncProgressElement extends ElementOfBrowser implements Access {
  static readonly observedAttributes = ['org', 'src', 'label', 'start'];

  /** The server of an element without `src`; '' is the page's own origin. */
  protected readonly defaultSource: string = '';

  #getStreamToken: Access['getStreamToken'];
  #getToken: Access['getToken'];
  #texts: Partial<SyncProgressTexts> | null = null;

  readonly #view: View = createView(this.attachShadow({ mode: 'open' }), () => void this.#startByButton());
  #watched: OrganizationWatch | undefined;
  /** What the watch was begun for; null: there is none. */
  #purpose: string | null = null;
  #isRefused = false;
  readonly #askAgain = atMostEvery(2_000, () => this.#isRefused && this.#watched?.reconnect());
  #stop = (): void => {};
  #isPlanned = false;
  #isSuspended = false;

  constructor() {
    super();
    takeOverProperties(this);
  }

  connectedCallback(): void {
    this.#planToWatch();
  }

  /**
   * Each property may be set at any time, also before this script has loaded. A page may create a new function each time it
   * renders: the connection stays, and the function is used for the next token. A server that refuses is asked soon.
   */
  get getStreamToken(): Access['getStreamToken'] {
    return this.#getStreamToken;
  }

  set getStreamToken(value: Access['getStreamToken']) {
    if (value === this.#getStreamToken) return;
    this.#getStreamToken = value;
    this.#planToWatch();
  }

  get getToken(): Access['getToken'] {
    return this.#getToken;
  }

  set getToken(value: Access['getToken']) {
    if (value === this.#getToken) return;
    this.#getToken = value;
    this.#planToWatch();
  }

  /** Whether the element has no connection although it is in the document: a framework hides its page and keeps it. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  set isSuspended(value: boolean) {
    this.#isSuspended = value;
    this.#planToWatch();
  }

  get org(): string | null {
    return this.getAttribute('org');
  }

  set org(value: string | number | null) {
    setAttribute(this, 'org', value);
  }

  get src(): string | null {
    return this.getAttribute('src');
  }

  set src(value: string | null) {
    setAttribute(this, 'src', value);
  }

  get label(): string | null {
    return this.getAttribute('label');
  }

  set label(value: string | null) {
    setAttribute(this, 'label', value);
  }

  /** Whether the element has a button that starts a full sync. */
  get start(): boolean {
    return this.hasAttribute('start');
  }

  /** A framework may set undefined, with which `toggleAttribute` would change the attribute. */
  set start(value: boolean | null | undefined) {
    this.toggleAttribute('start', Boolean(value));
  }

  /** Replaces texts of the element, for another language. */
  get texts(): Partial<SyncProgressTexts> | null {
    return this.#texts;
  }

  set texts(value: Partial<SyncProgressTexts> | null) {
    this.#texts = value;
    this.#view.update({ texts: completeTexts(value) });
  }

  /**
   * Starts a full sync, or joins the one that is running.
   *
   * @throws Error with a message that may be shown
   */
  async startSync(): Promise<void> {
    if (!WHOLE_NUMBER.test(this.org ?? '')) throw new Error(NO_ORGANIZATION);
    const event = new CustomEvent('sync-start', { bubbles: true, composed: true, cancelable: true });
    if (!this.dispatchEvent(event)) return;
    const log = await startFullSync(Number(this.org), this.#source(), this);
    this.#watched?.applyLog(log);
  }

  async #startByButton(): Promise<void> {
    this.#view.update({ problem: null, start: 'asking' });
    // The same refusal is announced again only when it replaces another text.
    this.#view.say('');
    const { org } = this;
    try {
      await this.startSync();
    } catch (error) {
      this.#report(error, org);
    }
    this.#view.update({ start: this.start ? 'possible' : null });
  }

  /** @param org about which the error says something */
  #report(error: unknown, org: string | null): void {
    if (org !== this.org) return;
    const problem = error instanceof Error ? error.message : String(error);
    this.#view.update({ problem });
    this.#view.say(problem);
  }

  disconnectedCallback(): void {
    this.#planToWatch();
  }

  /** A style sheet belongs to one document, such as that of a popup. */
  adoptedCallback(): void {
    if (this.shadowRoot !== null) addStyle(this.shadowRoot);
  }

  attributeChangedCallback(name: string): void {
    if (name === 'label') this.#view.update({ label: this.label });
    else if (name === 'start') this.#view.update({ start: this.start ? 'possible' : null });
    else this.#planToWatch();
  }

  #source(): string {
    return (this.getAttribute('src') ?? this.defaultSource).replace(/\/+$/, '');
  }

  /**
   * Runs once for all attributes that change together, and for properties that a page sets right after them. An element that is
   * moved in its page keeps its connection.
   */
  #planToWatch(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      const purpose = this.isConnected && !this.#isSuspended ? this.#purposeNow() : null;
      if (purpose === this.#purpose) {
        if (this.#isRefused) this.#askAgain();
        return;
      }
      this.#stop();
      this.#purpose = purpose;
      if (purpose !== null) this.#watch();
    });
  }

  #purposeNow(): string {
    const has = [this.getStreamToken, this.getToken].map(Boolean);
    return JSON.stringify([this.org, this.#source(), ...has]);
  }

  #watch(): void {
    const org = this.getAttribute('org') ?? '';
    this.#isRefused = false;
    this.#view.update({ problem: null });
    this.#view.say('');
    if (!WHOLE_NUMBER.test(org)) {
      // The run of another organization does not stay.
      this.#view.update({ run: null, problem: NO_ORGANIZATION });
      return;
    }
    let announced: AnnouncedState | null = null;
    let before: OrganizationState = unknownOrganization(Number(org));
    let [isExplained, wasConnected] = [false, false];
    this.#view.update({ run: { state: before, connection: { kind: 'connecting', since: Date.now() } } });
    const watch = watchOrganization(Number(org), {
      baseUrl: this.#source(),
      // Read when they are needed: a page may set them later than the attributes.
      getStreamToken: this.getStreamToken && ((why) => this.getStreamToken?.(why) ?? Promise.resolve(null)),
      getToken: this.getToken && (() => this.getToken?.() ?? Promise.resolve(null)),
      onState: (state, connection) => {
        // A start that failed says nothing about a run that came later, or about a server that is back.
        const isNews = isConnected(connection) && (state.log !== before.log || !wasConnected);
        wasConnected = isConnected(connection);
        this.#isRefused = connection.refusedWith !== undefined;
        this.#view.update({ run: { state, connection }, ...(isNews && { problem: null }) });
        if (nextAttemptAt(state.log) !== null) void learnServerTime(this.#source());
        if (connection.kind === 'offline' && !state.isKnown && !isExplained) {
          isExplained = true;
          void this.#explain(connection);
        }
        const announcement = announce(announced, state, connection, completeTexts(this.#texts));
        if (state.isKnown) announced = announcement.announced;
        if (announcement.words !== null) this.#view.say(announcement.words);
        this.#dispatchEvents(before, state, connection);
        before = state;
      },
    });
    this.#watched = watch;
    const stopWaking = reconnectOnVisible(watch);
    this.#stop = () => {
      stopWaking();
      watch.stop();
      this.#view.rest();
    };
  }

  /** For the developer of the page: the element shows only that nothing arrives. */
  async #explain(connection: Connection): Promise<void> {
    const reason = await offlineReason(this.#source(), connection);
    // biome-ignore lint/suspicious/noConsole: the developer of the page reads it there.
    if (reason !== null) console.warn(`<sync-progress>: ${reason}`);
  }

  #dispatchEvents(before: OrganizationState, state: OrganizationState, connection: Connection): void {
    const detail: SyncProgressDetail = { log: state.log, percent: state.percent, connection };
    const hasEnded =
      before.log?.status === 'running' && state.log?.id === before.log.id && state.log.status !== 'running';
    for (const type of hasEnded ? ['sync-change', 'sync-end'] : ['sync-change']) {
      this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
    }
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'sync-progress': SyncProgressElement;
  }
  interface HTMLElementEventMap {
    'sync-change': CustomEvent<SyncProgressDetail>;
    'sync-end': CustomEvent<SyncProgressDetail>;
    'sync-start': CustomEvent<null>;
  }
}

function setAttribute(element: Element, name: string, value: string | number | null): void {
  if (value === null || value === undefined) element.removeAttribute(name);
  else element.setAttribute(name, String(value));
}

/** A page may load this code twice, and a server that renders the page has no registry. */
export function defineSyncProgress(element: typeof SyncProgressElement = SyncProgressElement): void {
  if (typeof customElements === 'undefined' || customElements.get('sync-progress') !== undefined) return;
  customElements.define('sync-progress', element);
}
