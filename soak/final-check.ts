/**
 * The end of a soak: everything comes to rest. Then the oracles compare the received events and the copies with the database, and the
 * database with Cliniko.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { readSyncLogs } from '../src/events/sync-logs.ts';
import { readTimeline } from '../test/support/timeline.ts';
import type { Audience } from './audience.ts';
import { digestOfRecord } from './digest.ts';
import type { Environment } from './environment.ts';
import { post } from './load.ts';
import { compareClinic, type StoredPatient } from './patient-oracle.ts';
import { checkRuns, RunLog } from './run-oracle.ts';
import { readSentWebhooks } from './webhook-receiver.ts';

const RESTS = 'after the faults everything comes to rest';
const LAST_SYNC = 'after the faults a full sync completes and proves that it saw everything';
const REST_WITHIN_MS = 300_000;
const ANSWER_WITHIN_MS = 60_000;
const TRIES = 3;
/** Of one clinic. */
const MOST_RUNS = 1_000_000;

export async function checkEverything(environment: Environment, audience: Audience): Promise<void> {
  const { say, organizations } = environment;
  await untilNothingRuns(environment);
  say('a last full sync of each clinic');
  await syncAll(environment);
  await untilCaughtUp(environment, audience);
  say('comparing events, runs, patients and changes');
  for (const [clinic, id] of organizations.entries()) {
    await checkEvents(environment, audience, id);
    await checkPatients(environment, clinic, id);
    await audience.followers.compare(id);
  }
}

async function untilNothingRuns(environment: Environment): Promise<void> {
  await until(environment, async () => {
    const rows = await environment.postgres.read(
      (sql) => sql<{ id: number }[]>`select id from sync_logs where status = 'running'`,
    );
    return rows.map(({ id }) => `run ${id} still runs`);
  });
}

/** @param unfinished what it still waits for; empty when it is over */
async function until({ findings }: Environment, unfinished: () => Promise<string[]>): Promise<void> {
  for (const deadline = performance.now() + REST_WITHIN_MS; ; await delay(300)) {
    const left = await unfinished();
    if (left.length > 0 && performance.now() < deadline) continue;
    findings.expect(RESTS, left.length === 0, () => left.slice(0, 20).join('; '));
    return;
  }
}

/**
 * Again for a clinic whose run was not a full one: a server that was frozen starts the run that it was asked for before.
 */
async function syncAll(environment: Environment): Promise<void> {
  const { organizations, findings, postgres } = environment;
  let left = [...organizations];
  for (let tries = TRIES; left.length > 0 && tries > 0; tries--) {
    const [first] = await postgres.read(
      (sql) => sql<{ id: number }[]>`select coalesce(max(id), 0)::int as id from sync_logs`,
    );
    for (const id of left) await post(environment, `/sync-all/${id}`, 0, ANSWER_WITHIN_MS);
    await untilNothingRuns(environment);
    const proven = await postgres.read(
      (sql) => sql<{ id: number }[]>`select organization_id as id from sync_logs
        where id > ${first?.id ?? 0} and status = 'completed' and operation_type = 'full_patients' and metadata #>> '{proof,proven}' = 'true'`,
    );
    const done = new Set(proven.map(({ id }) => id));
    left = left.filter((id) => !done.has(id));
  }
  findings.pass(LAST_SYNC, organizations.length - left.length);
  for (const id of left) findings.fail(LAST_SYNC, `organization ${id}, ${TRIES} times`);
  // More patients may have been deleted than are marked without a person.
  for (const id of organizations)
    await post(environment, `/patients/${id}/missing/confirm`, 0, ANSWER_WITHIN_MS);
}

async function untilCaughtUp(environment: Environment, audience: Audience): Promise<void> {
  const { postgres } = environment;
  await until(environment, async () => {
    const heads = await postgres.read(
      (sql) => sql<{ id: number; head: number }[]>`
        select organization_id as id, max(seq)::int as head from sync_events group by organization_id`,
    );
    return audience.oracle.behind(new Map(heads.map(({ id, head }) => [id, head])));
  });
  await until(environment, () => audience.followers.behind());
  const { oracle } = environment.webhooks;
  await until(environment, async () => oracle.behind(await readSentWebhooks(postgres)));
  oracle.compare(await readSentWebhooks(postgres));
  await audience.followers.refreshLast();
}

async function checkEvents(
  { postgres, findings }: Environment,
  audience: Audience,
  id: number,
): Promise<void> {
  const { logs } = await postgres.read((sql) => readSyncLogs(sql, id, { limit: MOST_RUNS }));
  const envelopes: { seq: number; text: string }[] = [];
  for (const log of logs) {
    const { events } = await postgres.read((sql) => readTimeline(sql, id, RunLog.parse(JSON.parse(log)).id));
    for (const text of events) envelopes.push({ seq: Number(/"seq":(\d+)/.exec(text)?.[1]), text });
  }
  const texts = envelopes.toSorted((one, other) => one.seq - other.seq).map(({ text }) => text);
  audience.oracle.compareWithLog(id, texts);
  checkRuns(findings, id, texts, logs);
}

async function checkPatients({ cliniko, postgres, findings }: Environment, clinic: number, id: number) {
  const listed = await cliniko.ask<[string, string][]>({ what: 'list', clinic });
  const stored = new Map<string, StoredPatient>();
  for (let after = ''; ; ) {
    const rows = await postgres.read(
      (sql) => sql<{ id: string; raw: unknown; is_missing: boolean }[]>`
        select cliniko_patient_id as id, raw, missing_since is not null as is_missing from patients
        where organization_id = ${id} and cliniko_patient_id > ${after} order by cliniko_patient_id limit 2000`,
    );
    for (const { id: patient, raw, is_missing: isMissing } of rows)
      stored.set(patient, { digest: digestOfRecord(raw), isMissing });
    const last = rows.at(-1);
    if (last === undefined) break;
    after = last.id;
  }
  compareClinic(findings, id, new Map(listed), stored);
}
