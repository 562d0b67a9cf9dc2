/**
 * The ear of the bus: LISTEN on a connection that does nothing else, opened anew for as long as it takes.
 *
 * Health is proven, not assumed: a notification to oneself must come back, at the start, after every reconnection and
 * every 10 s. A connection that lost its other end without a word looks open for a quarter of an hour; only a new one helps.
 */
import postgres, { type Sql } from 'postgres';
import { CHANNEL, decodeNudge, encodeTest, type ReceivedNudge } from './nudge-text.ts';
import { withinMs } from './renewing-connection.ts';

export interface ListenerPlan {
  url: string;
  sender: string;
  /** Somebody else's nudge, or one of ours that came back. */
  onNudge: (nudge: ReceivedNudge) => void;
  /** Listening has begun (again): what was sent before may be lost. */
  onListening: () => void;
  /** Notifies on the channel, over another connection. */
  notify: (payload: string) => void;
  selfTest?: { everyMs: number; limitMs: number };
}

export interface Listener {
  readonly healthy: boolean;
  /** @returns whether the first self-test came back; @throws when the database cannot be reached */
  open(): Promise<boolean>;
  close(): Promise<void>;
}

const OPEN_LIMIT_MS = 5_000;
const REOPEN_AFTER_MS = 200;

export function createListener(plan: ListenerPlan): Listener {
  const { everyMs, limitMs } = plan.selfTest ?? { everyMs: 10_000, limitMs: 3_000 };
  let sql: Sql | undefined;
  let healthy = false;
  let closed = false;
  let tests = 0;
  let answered: ((test: number) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;

  const later = (ms: number, act: () => Promise<unknown>): void => {
    clearTimeout(timer);
    if (closed) return;
    timer = setTimeout(() => void act(), ms);
    timer.unref();
  };
  const hear = (payload: string): void => {
    const nudge = decodeNudge(payload);
    if (nudge.sender !== plan.sender) plan.onNudge(nudge);
    else if (nudge.test !== undefined) answered?.(nudge.test);
  };
  const leave = (): void => {
    const old = sql;
    sql = undefined;
    healthy = false;
    if (old !== undefined) void old.end({ timeout: 0 }).catch(() => {});
  };
  const listen = async (): Promise<void> => {
    leave();
    const opened = connect(plan.url, hear, () => {
      if (sql !== opened) return;
      leave();
      later(REOPEN_AFTER_MS, reopen);
    });
    sql = opened;
    await withinMs(OPEN_LIMIT_MS, opened.unsafe(`listen ${CHANNEL}`));
    plan.onListening();
  };
  const selfTest = async (): Promise<boolean> => {
    const asked = sql;
    const test = ++tests;
    const heard = new Promise<boolean>((resolve) => {
      const limit = setTimeout(() => resolve(false), limitMs);
      answered = (number) => {
        if (number !== test) return;
        clearTimeout(limit);
        resolve(true);
      };
    });
    plan.notify(encodeTest(test, plan.sender));
    return (await heard) && sql === asked && asked !== undefined;
  };
  const check = async (): Promise<void> => {
    const asked = sql;
    healthy = await selfTest();
    if (healthy) later(everyMs, check);
    // When the connection closed meanwhile, its own end has arranged for the next one.
    else if (sql === asked) await reopen();
  };
  const reopen = async (): Promise<void> => {
    if (closed) return;
    try {
      await listen();
    } catch {
      leave();
      return later(REOPEN_AFTER_MS, reopen);
    }
    await check();
  };
  return {
    get healthy() {
      return healthy;
    },
    async open() {
      await listen();
      healthy = await selfTest();
      if (healthy) later(everyMs, check);
      return healthy;
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      // It waits for nothing, so there is nothing to wait for.
      leave();
    },
  };
}

/** postgres.js has a `listen` of its own, which hides when the connection was lost. */
function connect(url: string, hear: (payload: string) => void, onclose: () => void): Sql {
  const options = {
    max: 1,
    prepare: false,
    idle_timeout: 0,
    // By default it would be closed and opened again every 30 to 60 minutes.
    max_lifetime: null,
    connect_timeout: OPEN_LIMIT_MS / 1_000,
    backoff: () => 0.2,
    connection: { application_name: 'patient-sync listener' },
    fetch_types: false,
    onnotice: () => {},
    onclose,
    onnotify: (_channel: string, payload: string) => hear(payload),
  };
  return postgres(url, options);
}
