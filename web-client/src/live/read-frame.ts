/**
 * Reads the frames of the streams by hand: accepts what the schemas of the contract accept, without zod (read-log.ts
 * says why). Anything else reads as undefined.
 */
import type { ServerFrame, SocketErrorCode } from '#contract/socket-frame.ts';
import type {
  Bye,
  ByeReason,
  ChangeEvent,
  ChangeType,
  Hello,
  LostReason,
  Ping,
  SnapshotEvent,
} from '#contract/stream-event.ts';
import {
  type Fields,
  hasFields,
  isBoolean,
  isCursor,
  isFields,
  isText,
  isWhole,
  isWordOf,
  readLog,
} from './read-log.ts';

type Fits = (value: unknown) => boolean;

const VERSION: Hello['v'] = 1;
const isVersion = (value: unknown): boolean => value === VERSION;

const CHANGES: Record<ChangeType, true> = { started: true, progress: true, completed: true, failed: true };
export const CHANGE_TYPES: readonly string[] = Object.keys(CHANGES);

const LOST: Record<LostReason, true> = {
  epoch: true,
  trimmed: true,
  future: true,
  malformed: true,
  too_far: true,
};
const GOODBYES: Record<ByeReason, true> = { restart: true, reauth: true, rotate: true, too_slow: true };
const REFUSALS: Record<SocketErrorCode, true> = {
  NOT_UNDERSTOOD: true,
  DUPLICATE_SUBSCRIPTION: true,
  UNKNOWN_SUBSCRIPTION: true,
  TOO_MANY_SUBSCRIPTIONS: true,
  FORBIDDEN: true,
  TOO_MANY_REQUESTS: true,
  DATABASE_UNAVAILABLE: true,
};

const PLACE: Record<'recovered' | 'reason' | 'head', Fits> = {
  recovered: isBoolean,
  reason: (value) => value === null || isWordOf(value, LOST),
  head: isCursor,
};
const EVENT: Record<Exclude<keyof ChangeEvent, 'type' | 'log' | 'sync_log_id'>, Fits> = {
  v: isVersion,
  organization_id: isWhole,
  seq: isWhole,
  cursor: isCursor,
  at: isText,
};

export function readHello(value: unknown): Hello | undefined {
  return isHello(value) ? value : undefined;
}

export function readPing(value: unknown): Ping | undefined {
  return isPing(value) ? value : undefined;
}

export function readBye(value: unknown): Bye | undefined {
  return isBye(value) ? value : undefined;
}

export function readEvent(value: unknown): ChangeEvent | SnapshotEvent | undefined {
  if (!isFields(value)) return undefined;
  const event: Fields = { ...value, log: value.log === null ? null : readLog(value.log) };
  return isChange(event) || isSnapshot(event) ? event : undefined;
}

/** A frame of the WebSocket. */
export function readServerFrame(value: unknown): ServerFrame | undefined {
  if (isNotice(value) || isBye(value)) return value;
  return readEvent(value);
}

export function parseJson(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return undefined;
  }
}

function isHello(value: unknown): value is Hello {
  return (
    isOf(value, 'hello') && hasFields(value, { ...PLACE, organization_id: isWhole, heartbeat_ms: isWhole })
  );
}

function isPing(value: unknown): value is Ping {
  return isOf(value, 'ping') && hasFields(value, { organization_id: isWhole, cursor: isCursor });
}

function isBye(value: unknown): value is Bye {
  return isOf(value, 'bye') && isWordOf(value.reason, GOODBYES) && isWhole(value.retry_ms);
}

function isChange(value: Fields): value is Fields & ChangeEvent {
  return (
    isWordOf(value.type, CHANGES) &&
    isWhole(value.sync_log_id) &&
    isFields(value.log) &&
    hasFields(value, EVENT)
  );
}

function isSnapshot(value: Fields): value is Fields & SnapshotEvent {
  const { type, log, sync_log_id: id } = value;
  return type === 'snapshot' && log !== undefined && (id === null || isWhole(id)) && hasFields(value, EVENT);
}

type Notice = Exclude<ServerFrame, ChangeEvent | SnapshotEvent | Bye>;

const NOTICES: Record<Notice['type'], Readonly<Record<string, Fits>>> = {
  hello: { heartbeat_ms: isWhole },
  subscribed: {
    id: isText,
    streams: (value) =>
      Array.isArray(value) &&
      value.every((stream) => hasFields(stream, { ...PLACE, organization_id: isWhole })),
  },
  unsubscribed: { id: isText },
  ping: { heads: (value) => isFields(value) && Object.values(value).every(isCursor) },
  pong: {},
  error: {
    id: (value) => value === null || isText(value),
    code: (value) => isWordOf(value, REFUSALS),
    message: isText,
  },
};

function isNotice(value: unknown): value is Notice {
  if (!isFields(value) || !isText(value.type) || !Object.hasOwn(NOTICES, value.type)) return false;
  const fields: Readonly<Record<string, Readonly<Record<string, Fits>>>> = NOTICES;
  return isVersion(value.v) && hasFields(value, fields[value.type] ?? {});
}

function isOf(value: unknown, type: string): value is Fields {
  return isFields(value) && value.type === type && isVersion(value.v);
}
