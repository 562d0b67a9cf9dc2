/** Copies of the patients of one clinic, kept by programs that follow their changes. */
import type { Sql } from 'postgres';
import { expect } from 'vitest';
import { z } from 'zod';
import { type PatientChange, PatientChangeEvent, PatientChanges } from '#contract/patient-change.ts';
import { Hello } from '#contract/stream-event.ts';
import { IDS_ONLY } from './ids-only.ts';
import { ORGANIZATION } from './patient-writers.ts';
import { parseBlock, type SentEvent } from './sent-event.ts';

type Copy = Map<string, string>;

const rowsOf = (sql: Sql, condition = sql`true`) => sql<{ id: string; row: string; changed_at: string }[]>`
  select cliniko_patient_id as id, patients::text as row, changed_at::text from patients
  where organization_id = ${ORGANIZATION} and ${condition} order by changed_at`;

/** The part of a webhook that is about the feed. */
const ChangesData = z.object({ data: z.object({ organization_id: z.int(), ...PatientChanges.shape }) });

interface Follower {
  copy: Copy;
  /** Every change, in the order in which it came. */
  seen: readonly PatientChange[];
}

/** A copy to which each change is applied by reading the patient by its id. */
function createCopy(sql: Sql) {
  const copy: Copy = new Map();
  const seen: PatientChange[] = [];
  const apply = async (change: PatientChange) => {
    expect(JSON.stringify(change)).toMatch(IDS_ONLY);
    seen.push(change);
    const { cliniko_patient_id: id } = change;
    const [found] = await rowsOf(sql, sql`cliniko_patient_id = ${id}`);
    if (found === undefined) copy.delete(id);
    else copy.set(id, found.row);
  };
  return { copy, seen, apply };
}

/**
 * Follows the numbered changes.
 *
 * @param ask one answer of the poll
 */
export function createFollower(sql: Sql, ask: (since: string, limit: number) => Promise<PatientChanges>) {
  const { copy, seen, apply } = createCopy(sql);
  let since = 'all';
  /** @returns whether there was anything */
  const read = async (): Promise<boolean> => {
    const answer = await ask(since, 17);
    expect(answer).toMatchObject({ recovered: true, reason: null });
    for (const change of answer.changes) await apply(change);
    const isLast = answer.next === since && answer.changes.length === 0;
    since = answer.next;
    return !isLast;
  };
  return { copy, seen, read };
}

/**
 * Follows the stream of changes from before the first one. Each connection is cut after some changes, or by the network.
 *
 * @param open a connection that continues after the change with this id
 */
export function createStreamFollower(
  sql: Sql,
  start: string,
  open: (last: string) => Promise<Response>,
): Follower & { read: Reader } {
  const { copy, seen, apply } = createCopy(sql);
  let last = start;
  const read = async (isOver: AbortSignal): Promise<boolean> => {
    const [before, most] = [last, seen.length + 1 + Math.floor(Math.random() * 40)];
    let head = '';
    for await (const { event, id, data } of sentBy(await open(last), isOver)) {
      if (event === 'hello') {
        const hello = Hello.parse(JSON.parse(data));
        expect(hello).toMatchObject({ recovered: true, reason: null });
        head = hello.head;
      } else if (event === 'change' && id !== undefined) {
        const { v, type, organization_id, ...change } = PatientChangeEvent.parse(JSON.parse(data));
        expect(data).toBe(JSON.stringify({ v, type, organization_id, ...change }));
        expect([organization_id, change.cursor]).toEqual([ORGANIZATION, id]);
        await apply(change);
        last = id;
      }
      if (seen.length >= most || (isOver.aborted && last === head)) break;
    }
    return last !== before;
  };
  return { copy, seen, read };
}

/**
 * Follows the webhooks of one endpoint, by the rule for receivers: a change that was applied before is skipped, and none is missing.
 *
 * @param sent the bodies that the receiver has taken, in the order in which they came
 */
export function createWebhookFollower(sql: Sql, sent: readonly string[]): Follower & { read: Reader } {
  const { copy, seen, apply } = createCopy(sql);
  let taken = 0;
  const read = async (isOver: AbortSignal): Promise<boolean> => {
    // A failed attempt is tried again after 5 s, then after 5 min. An attempt in progress has a claim of 60 s.
    await sql`update webhook_deliveries set next_attempt_at = now() where state = 'pending' and next_attempt_at > now()
      and next_attempt_at not between now() + interval '10 s' and now() + interval '61 s'`;
    for (const body of sent.slice(taken)) {
      const { changes, ...rest } = ChangesData.parse(JSON.parse(body)).data;
      expect(rest).toMatchObject({
        organization_id: ORGANIZATION,
        recovered: true,
        next: changes.at(-1)?.cursor,
      });
      for (const change of changes) if ((change.seq ?? 0) > (seen.at(-1)?.seq ?? 0)) await apply(change);
      taken += 1;
    }
    const [stream] =
      await sql`select head::int from patient_change_streams where organization_id = ${ORGANIZATION}`;
    return !isOver.aborted || Number(stream?.head ?? 0) !== (seen.at(-1)?.seq ?? 0);
  };
  return { copy, seen, read };
}

/** The events of a connection until it ends, whichever side ends it. */
async function* sentBy({ body }: Response, end: AbortSignal): AsyncGenerator<SentEvent> {
  let text = '';
  const chunks = body?.pipeThrough(new TextDecoderStream()).getReader();
  const stop = () => void chunks?.cancel().catch(() => {});
  end.addEventListener('abort', stop);
  try {
    for (;;) {
      const { value, done } = (await chunks?.read().catch(() => undefined)) ?? { done: true };
      if (done || value === undefined) return;
      const blocks = (text + value).split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = parseBlock(block);
        if (event !== undefined) yield event;
      }
    }
  } finally {
    end.removeEventListener('abort', stop);
    stop();
  }
}

/** Reads what has changed since the greatest `changed_at` that it has seen. An erased row is not found this way. */
export function createIncrementalCopy(sql: Sql) {
  const copy: Copy = new Map();
  let last = '-infinity';
  const read = async (): Promise<boolean> => {
    const rows = await rowsOf(sql, sql`changed_at > (${last}::text)::timestamptz`);
    expect(new Set(rows.map((row) => row.changed_at)).size).toBe(rows.length);
    for (const { id, row, changed_at } of rows) {
      copy.set(id, row);
      last = changed_at;
    }
    return rows.length > 0;
  };
  return { copy, read };
}

const sorted = (copy: Copy) => [...copy].sort(([a], [b]) => (a < b ? -1 : 1));

/** Each number once, in order, up to the head. */
async function expectDense(seen: readonly PatientChange[], sql: Sql): Promise<void> {
  const numbered = seen.flatMap(({ seq }) => (seq === null ? [] : [seq]));
  const first = numbered[0] ?? 1;
  expect(numbered).toEqual(numbered.map((_, index) => first + index));
  const [stream] = await sql`select head from patient_change_streams where organization_id = ${ORGANIZATION}`;
  expect(Number(stream?.head ?? 0)).toBe(numbered.at(-1) ?? 0);
}

/** The copies are equal to the table, and each change was read once, in order. */
export async function expectEqualCopies(
  sql: Sql,
  followers: readonly Follower[],
  incremental: Copy,
): Promise<void> {
  const table = new Map((await rowsOf(sql)).map(({ id, row }) => [id, row]));
  for (const { copy, seen } of followers) {
    expect(sorted(copy)).toEqual(sorted(table));
    await expectDense(seen, sql);
  }
  expect(sorted(new Map([...incremental].filter(([id]) => table.has(id))))).toEqual(sorted(table));
  expect(await sql`select from patient_changes_pending`).toHaveLength(0);
}

/** @returns whether there was anything. @param isOver aborted when nothing writes any more */
type Reader = (isOver: AbortSignal) => Promise<boolean>;

/** Reads while `work` goes on, and then until nothing is left. */
export async function readWhile(readers: readonly Reader[], work: Promise<unknown>): Promise<void> {
  const over = new AbortController();
  const ended = work.finally(() => over.abort());
  const reading = readers.map(async (read) => {
    while (!over.signal.aborted) await read(over.signal);
    while (await read(over.signal));
  });
  await Promise.all([ended, ...reading]);
}
