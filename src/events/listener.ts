/**
 * The receiving side of the bus: LISTEN on a dedicated connection, which reconnects until it succeeds.
 *
 * A self-test proves health: a notification to the same process must arrive, at the start, after every reconnection and
 * every 10 s. A connection whose peer vanished without a FIN looks open for 15 minutes; only a new connection helps.
 */
import type { Sql } from 'postgres';
import { withinMs } from '../database/answer-limit.ts';
import { connect } from '../database/driver.ts';
import { sessionSettings } from '../database/session.ts';
import { CHANNEL, decodeNudge, encodeTest, type ReceivedNudge } from './notify-payload.ts';

export interface ListenerOptions {
  url: string;
  /** Send only startup parameters that a pooler accepts: the URL may point at a pooler in session mode. */
  throughPooler: boolean;
  sender: string;
  /** Called with each nudge from another process. */
  onNudge: (nudge: ReceivedNudge) => void;
  /** Called once when listening is lost, and once when it works again. */
  onHealth?: (healthy: boolean) => void;
  /** Called after every (re)connection: earlier nudges may be lost. */
  onListening: () => void;
  /** Sends NOTIFY on the channel over another connection. */
  notify: (payload: string) => void;
  /** Whether this server gets nudges over this channel only; its self-tests tell the others. */
  needsNotify: () => boolean;
  /** Called with each self-test of another server that gets nudges over this channel only. */
  onNeeded: () => void;
  /** Default: `SELF_TEST`. */
  selfTest?: typeof SELF_TEST;
}

export const SELF_TEST = { everyMs: 10_000, limitMs: 3_000 };
const OPEN_LIMIT_MS = 5_000;
const REOPEN_AFTER_MS = 200;

export class Listener {
  readonly #options: ListenerOptions;
  readonly #everyMs: number;
  readonly #limitMs: number;
  #sql: Sql | undefined;
  #isHealthy = false;
  #closed = false;
  #isOpen = false;
  #tests = 0;
  /** The self-tests under way, by number. */
  readonly #testing = new Map<number, () => void>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { everyMs, limitMs } = options.selfTest ?? SELF_TEST;
    this.#everyMs = everyMs;
    this.#limitMs = limitMs;
  }

  get healthy(): boolean {
    return this.#isHealthy;
  }

  #setHealthy(healthy: boolean): void {
    if (healthy === this.#isHealthy) return;
    this.#isHealthy = healthy;
    if (this.#isOpen && !this.#closed) this.#options.onHealth?.(healthy);
  }

  /** @returns whether a self-test succeeded; @throws when the database is unreachable */
  async open(): Promise<boolean> {
    await this.#listen();
    // The connection that sends may be lost just then. Only a second failure means that LISTEN does not work.
    this.#setHealthy((await this.#selfTest()) || (await this.#selfTest()));
    this.#isOpen = this.#isHealthy;
    if (this.#isHealthy) this.#scheduleCheck(this.#everyMs, () => this.#check());
    return this.#isHealthy;
  }

  /** Sends a self-test, which tells the other servers whether this one gets nudges over this channel only. */
  announce(): void {
    const { notify, sender, needsNotify } = this.#options;
    notify(encodeTest(this.#tests, sender, needsNotify()));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#disconnect();
  }

  async #listen(): Promise<void> {
    this.#disconnect();
    const onClose = () => {
      if (this.#sql !== opened) return;
      this.#disconnect();
      this.#scheduleCheck(REOPEN_AFTER_MS, () => this.#reopen());
    };
    const opened = openListening(this.#options, (payload) => this.#onNotification(payload), onClose);
    this.#sql = opened;
    await withinMs(OPEN_LIMIT_MS, opened.unsafe(`listen ${CHANNEL}`));
    this.#options.onListening();
  }

  #onNotification(payload: string): void {
    const nudge = decodeNudge(payload);
    if (nudge.sender === this.#options.sender) {
      if (nudge.test !== undefined) this.#testing.get(nudge.test)?.();
      return;
    }
    if (nudge.needsNotify) this.#options.onNeeded();
    if (nudge.test === undefined) this.#options.onNudge(nudge);
  }

  #disconnect(): void {
    const old = this.#sql;
    this.#sql = undefined;
    this.#setHealthy(false);
    if (old !== undefined) void old.end({ timeout: 0 }).catch(() => {});
  }

  async #check(): Promise<void> {
    const asked = this.#sql;
    const hasArrived = await this.#selfTest();
    // The connection closed during the test: its close handler has scheduled the next one, which has a test of its own.
    if (this.#sql !== asked) return;
    this.#setHealthy(hasArrived);
    if (hasArrived) this.#scheduleCheck(this.#everyMs, () => this.#check());
    else await this.#reopen();
  }

  async #selfTest(): Promise<boolean> {
    const asked = this.#sql;
    const test = ++this.#tests;
    const received = new Promise<boolean>((resolve) => {
      const limit = setTimeout(() => resolve(false), this.#limitMs);
      this.#testing.set(test, () => {
        clearTimeout(limit);
        resolve(true);
      });
    });
    this.announce();
    const hasArrived = await received;
    this.#testing.delete(test);
    return hasArrived && this.#sql === asked && asked !== undefined;
  }

  async #reopen(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#listen();
    } catch {
      this.#disconnect();
      return this.#scheduleCheck(REOPEN_AFTER_MS, () => this.#reopen());
    }
    await this.#check();
  }

  #scheduleCheck(ms: number, act: () => Promise<void>): void {
    clearTimeout(this.#timer);
    if (this.#closed) return;
    this.#timer = setTimeout(() => void act(), ms);
    this.#timer.unref();
  }
}

/** Not `listen` of postgres.js: it hides the loss of the connection. */
function openListening(
  { url, throughPooler }: ListenerOptions,
  onNotification: (payload: string) => void,
  onclose: () => void,
): Sql {
  return connect(url, {
    max: 1,
    prepare: false,
    idle_timeout: 0,
    // By default postgres.js reconnects every 30 to 60 minutes.
    max_lifetime: null,
    connect_timeout: OPEN_LIMIT_MS / 1_000,
    connection: {
      application_name: 'patient-sync listener',
      ...sessionSettings({ takesParameters: !throughPooler }),
    },
    onclose,
    onnotify: (_channel: string, payload: string) => onNotification(payload),
  });
}
