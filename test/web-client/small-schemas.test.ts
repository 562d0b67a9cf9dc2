/**
 * The embeddable script reads with the contract's schemas, but without zod: a small library is in the place of `zod/mini`.
 * These tests build the contract with that library, and compare what both accept.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { build } from 'vite';
import { describe, expect, test } from 'vitest';
import type * as z from 'zod/mini';
import { MAX_SOCKET_FRAME_BYTES, ServerFrame } from '#contract/socket-frame.ts';
import { Bye, Hello, Ping, StreamEvent } from '#contract/stream-event.ts';
import { SyncLog } from '#contract/sync-log.ts';
import { BYTES_FOR_CURSORS } from '../../web-client/src/live/watch-everything.ts';

const METRICS = {
  total_duration: '4m 22s',
  api_fetch_time: '1m 45s',
  processing_time: '1m 12s',
  database_time: '1m 25s',
  patients_per_second: 2.5,
  api_requests: 13,
  database_operations: 648,
};
const METADATA = {
  progress_percent: 69.4,
  patients_found: 648,
  patients_stored: 448,
  sync_type: 'full_patients',
  current_page: 5,
  total_pages: 7,
  estimated_remaining: '45 seconds',
  estimated_remaining_ms: 45_000,
  errors: ['Patient ID 12345: Invalid phone number format'],
  errors_total: 2,
  warnings_total: 9,
  phase: 'waiting',
  waiting_until: '2026-11-23T10:01:00.000Z',
  waiting_reason: 'Cliniko asks for a pause',
  try: 2,
  max_tries: 15,
  step: 'storing_patients',
  patients_loaded: 500,
  patients_processed: 450,
  total_patients: 648,
  patients_to_store: 648,
  patients_deleted: 0,
  error: 'Cliniko could not be reached',
  timestamp: '2026-11-23T10:00:05.000Z',
  queue_position: 3,
  trigger: { kind: 'schedule', schedule: '0 2 * * *' },
  success_rate: 99.5,
  performance_metrics: METRICS,
  proof: { seen: 648, total_at_start: 648, total_at_end: null, repairs: 0, proven: true },
  missing_marked: 1,
  missing_held: 30,
  error_type: 'CLINIKO_AUTH_FAILED',
  retry_recommended: true,
  solution: 'npm run db:migrate',
};
const LOG = {
  id: 17,
  organization_id: 123,
  operation_type: 'full_patients',
  status: 'running',
  started_at: '2026-11-23T10:00:00.000Z',
  completed_at: null,
  records_processed: 450,
  records_success: 448,
  records_failed: 2,
  error_details: null,
  source_system: 'cliniko',
  created_at: '2026-11-23T10:00:00.000Z',
  updated_at: '2026-11-23T10:00:05.000Z',
  cursor: 'k7x2.4182',
  metadata: METADATA,
};
const EVENT = {
  v: 1,
  type: 'progress',
  organization_id: 123,
  sync_log_id: 17,
  seq: 4183,
  cursor: 'k7x2.4183',
  at: '2026-11-23T10:00:00.000Z',
  log: LOG,
};
const SNAPSHOT = { ...EVENT, type: 'snapshot', sync_log_id: null, log: null };
const PLACE = { organization_id: 123, head: 'k7x2.4182', recovered: false, reason: 'epoch' };
const HELLO = { v: 1, type: 'hello', ...PLACE, heartbeat_ms: 15_000 };
const BYE = { v: 1, type: 'bye', reason: 'reauth', retry_ms: 700 };
const FRAMES = [
  { v: 1, type: 'hello', heartbeat_ms: 15_000 },
  { v: 1, type: 'subscribed', id: 'a', streams: [PLACE, { ...PLACE, recovered: true, reason: null }] },
  { v: 1, type: 'unsubscribed', id: 'a' },
  { v: 1, type: 'ping', heads: { 123: 'k7x2.4182' } },
  { v: 1, type: 'pong' },
  { v: 1, type: 'error', id: null, code: 'NOT_UNDERSTOOD', message: 'Send JSON text.' },
  BYE,
  EVENT,
  SNAPSHOT,
];

/** Every path in a value, the value itself first. */
function places(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => places(inner, [...path, key]))];
}

/** The value with another value at one path; undefined removes it. */
function withChange(value: unknown, [key, ...path]: string[], change: unknown): unknown {
  if (key === undefined) return change;
  const copy: unknown[] | Record<string, unknown> = Array.isArray(value)
    ? [...value]
    : Object.assign({}, value);
  const changed = withChange(Reflect.get(copy, key), path, change);
  if (changed === undefined && !Array.isArray(copy)) Reflect.deleteProperty(copy, key);
  else Reflect.set(copy, key, changed);
  return copy;
}

const ODDITIES = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    0,
    -1,
    0.5,
    1e300,
    true,
    [],
    {},
    [null],
    'a.1',
    'A.1',
    'a.',
    'a.1 ',
  ),
  fc.constantFrom(
    'completed',
    'failed',
    'queued',
    'trimmed',
    'rotate',
    'constructor',
    '__proto__',
    'toString',
  ),
);

function agrees<T extends z.ZodMiniType>(schema: T, small: T, sample: unknown): void {
  expect(schema.safeParse(sample).success).toBe(true);
  expect(small.safeParse(sample).data).toEqual(sample);
  const changes = fc.record({ path: fc.constantFrom(...places(sample)), change: ODDITIES });
  fc.assert(
    fc.property(changes, ({ path, change }) => {
      const value = withChange(sample, path, change);
      const judged = schema.safeParse(value);
      const own = small.safeParse(value);
      expect(own.success, JSON.stringify(value)).toBe(judged.success);
      expect(own.data).toEqual(judged.data);
    }),
    { numRuns: 1_000 },
  );
}

type Contract = typeof import('#contract/stream-event.ts') &
  typeof import('#contract/socket-frame.ts') &
  typeof import('#contract/sync-log.ts');

/** The contract, built with the library of the embeddable script as its own build does (web-client/vite.embed.config.ts). */
async function buildSmall(): Promise<Contract> {
  const outDir = await mkdtemp(join(tmpdir(), 'small-schemas-'));
  const contract = fileURLToPath(new URL('../../src/contract', import.meta.url));
  await build({
    configFile: false,
    logLevel: 'silent',
    resolve: {
      alias: {
        'zod/mini': fileURLToPath(new URL('../../web-client/src/embed/small-schemas.ts', import.meta.url)),
      },
    },
    build: {
      outDir,
      lib: {
        entry: ['stream-event', 'socket-frame', 'sync-log'].map((name) => `${contract}/${name}.ts`),
        formats: ['es'],
        fileName: (_format, name) => `${name}.mjs`,
      },
    },
  });
  const load = (name: string) => import(/* @vite-ignore */ join(outDir, `${name}.mjs`));
  const parts = [await load('stream-event'), await load('socket-frame'), await load('sync-log')];
  await rm(outDir, { recursive: true });
  return Object.assign({}, ...parts);
}

const small = await buildSmall();

describe('the small library accepts what zod accepts, reads the same from it, and nothing else', () => {
  test('is another one than zod', () => expect(small.SyncLog).not.toHaveProperty('_zod'));
  test('sync logs', () => agrees(SyncLog, small.SyncLog, LOG));
  test.each([EVENT, SNAPSHOT])('events: $type', (event) => agrees(StreamEvent, small.StreamEvent, event));
  test('hello', () => agrees(Hello, small.Hello, HELLO));
  test('ping', () =>
    agrees(Ping, small.Ping, { v: 1, type: 'ping', organization_id: 123, cursor: 'k7x2.4182' }));
  test('bye', () => agrees(Bye, small.Bye, BYE));
  test.each(FRAMES)('frames of the WebSocket: $type', (frame) => {
    agrees(ServerFrame, small.ServerFrame, frame);
  });
});

test.each([SyncLog, small.SyncLog])(
  'a known key with a value of the wrong type reads as absent',
  (schema) => {
    const metadata = { progress_percent: 1, phase: 7, errors: 'many', own: [1] };
    expect(schema.safeParse({ ...LOG, metadata }).data?.metadata).toEqual({ progress_percent: 1, own: [1] });
  },
);

test('a subscribe frame with all its cursors fits into the frame limit of the server', () => {
  const rest = { type: 'subscribe', id: 'all', organizations: '*', since: {} };
  expect(JSON.stringify(rest).length + BYTES_FOR_CURSORS).toBeLessThan(MAX_SOCKET_FRAME_BYTES);
});
