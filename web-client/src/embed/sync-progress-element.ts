/**
 * `<sync-progress org="123" src="https://sync.example.com">`: the latest sync of an organization, live, in any page.
 *
 * It sends requests only to `src`. A server on another origin has to list the page's origin in `ALLOWED_ORIGINS`. On a
 * server with accounts the page gives the element a `getStreamToken` (live/access.ts).
 *
 * Events, which bubble: `sync-change` with every change, `sync-end` when a run that was seen running has ended; both
 * with `{log, percent, connection}` as `detail`.
 *
 * Not here: the script that pages load (sync-progress.ts). This module may be imported where there is no document.
 */
import type { SyncLog } from '#contract/sync-log.ts';
import type { Access } from '../live/access.ts';
import type { Connection } from '../live/connection.ts';
import { type OrganizationState, unknownOrganization } from '../live/organization-state.ts';
import { reconnectOnVisible } from '../live/reconnect-on-visible.ts';
import { watchOrganization } from '../live/watch-organization.ts';
import { type AnnouncedState, announce } from './announcements.ts';
import { createView, type View } from './view.ts';

export interface SyncProgressDetail {
  log: SyncLog | null;
  percent: number;
  connection: Connection;
}

const WHOLE_NUMBER = /^[1-9][0-9]{0,9}$/;

/** A server that renders a page imports the class and never creates an element. */
const ElementOfBrowser = globalThis.HTMLElement ?? (class {} as unknown as typeof HTMLElement);

export class SyncProgressElement extends ElementOfBrowser implements Access {
  static readonly observedAttributes = ['org', 'src', 'label'];

  /** The server of an element without `src`; '' is the page's own origin. */
  protected readonly defaultSource: string = '';

  #getStreamToken: Access['getStreamToken'];
  #getToken: Access['getToken'];

  readonly #view: View = createView(this.attachShadow({ mode: 'open' }));
  #stop = (): void => {};
  #isPlanned = false;

  constructor() {
    super();
    takeOverProperties(this);
  }

  connectedCallback(): void {
    this.#planToWatch();
  }

  /**
   * Each property may be set at any time, also before this script has loaded. The element reconnects after a change.
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

  disconnectedCallback(): void {
    this.#stop();
  }

  attributeChangedCallback(name: string): void {
    if (name === 'label') this.#view.setLabel(this.#label());
    else this.#planToWatch();
  }

  #label(): string {
    return this.getAttribute('label') ?? 'Patient sync';
  }

  /** Runs once for all attributes that change together, and for properties that a page sets right after them. */
  #planToWatch(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    queueMicrotask(() => {
      this.#isPlanned = false;
      this.#stop();
      if (this.isConnected) this.#watch();
    });
  }

  #watch(): void {
    const org = this.getAttribute('org') ?? '';
    this.#view.setLabel(this.#label());
    if (!WHOLE_NUMBER.test(org)) {
      this.#view.showProblem('The attribute "org" must be the id of an organization, such as 123.');
      return;
    }
    let announced: AnnouncedState | null = null;
    let before: OrganizationState = unknownOrganization(Number(org));
    this.#view.show(before, { kind: 'connecting', since: Date.now() });
    const watch = watchOrganization(Number(org), {
      baseUrl: (this.getAttribute('src') ?? this.defaultSource).replace(/\/+$/, ''),
      // Read when they are needed: a page may set them later than the attributes.
      getStreamToken: this.getStreamToken && ((why) => this.getStreamToken?.(why) ?? Promise.resolve(null)),
      getToken: this.getToken && (() => this.getToken?.() ?? Promise.resolve(null)),
      onState: (state, connection) => {
        this.#view.show(state, connection);
        const announcement = announce(announced, state, connection);
        if (state.isKnown) announced = announcement.announced;
        if (announcement.words !== null) this.#view.say(announcement.words);
        this.#dispatchEvents(before, state, connection);
        before = state;
      },
    });
    const stopWaking = reconnectOnVisible(watch);
    this.#stop = () => {
      stopWaking();
      watch.stop();
    };
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
  }
}

const PROPERTIES = ['getStreamToken', 'getToken', 'org', 'src', 'label'] as const;

/**
 * A page may set properties before an async script has defined the element. They are own properties then, and would
 * hide the accessors of the class.
 *
 * Attributes among them are set later: a constructor must not add any.
 */
function takeOverProperties(element: SyncProgressElement): void {
  for (const name of PROPERTIES) {
    if (!Object.hasOwn(element, name)) continue;
    const value: unknown = Reflect.get(element, name);
    Reflect.deleteProperty(element, name);
    if (name === 'getStreamToken' || name === 'getToken') Reflect.set(element, name, value);
    else queueMicrotask(() => Reflect.set(element, name, value));
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
