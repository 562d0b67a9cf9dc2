/** Metadata that another program wrote passes through to clients, and the documents allow it. */
import { Ajv } from 'ajv';
import { describe, expect } from 'vitest';
import { SyncMetadata } from '#contract/sync-log.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer } from '../support/server.ts';
import { openStream } from '../support/stream.ts';
import { createJudge, type Document, operationsOf } from './support/fuzzer.ts';

/** Each is of the wrong type for some keys; none suits all. */
const VALUES = ['text', 7, 0.5, true, null, [], [1, null], {}, { kind: 5 }];
/** Old clients format the percentage, so it is always a number. */
const KEYS = Object.keys(SyncMetadata.shape).filter((key) => key !== 'progress_percent');

const ROWS: Record<string, unknown>[] = [
  { errors: 'text', trigger: 'cron' },
  { progress_percent: 'half' },
  ...VALUES.map((value) => Object.fromEntries(KEYS.map((key) => [key, value]))),
];

const READS: [operationId: string, address: (id: number) => string][] = [
  ['listSyncLogs', () => '/cliniko/sync-logs/123?limit=100'],
  ['getSyncLog', (id) => `/cliniko/sync-logs/123/${id}`],
  ['getTimeline', (id) => `/cliniko/sync-logs/123/${id}/timeline`],
  ['listRecentRuns', () => '/runs'],
  ['getOverview', () => '/overview'],
  ['getPatientSummary', () => '/cliniko/patients/123/summary'],
];

describe('metadata of another program', () => {
  test('is valid by the documents, whatever its values are, in every answer and on the stream', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl);
    const sql = connectInTest(databaseUrl);
    const document: Document = await (await fetch(`${server.url}/openapi.json`)).json();
    const judge = createJudge(document);
    const ajv = new Ajv({ strict: false, logger: false });
    ajv.addSchema(await (await fetch(`${server.url}/asyncapi.json`)).json(), 'asyncapi');
    const isSnapshot = ajv.getSchema('asyncapi#/channels/events/messages/event-snapshot/payload');
    for (const metadata of ROWS) {
      const [row] = await sql`insert into sync_logs
          (organization_id, operation_type, status, started_at, completed_at, metadata)
        values (123, 'patient_sync', 'completed', now() at time zone 'utc', now() at time zone 'utc',
          ${sql.json(metadata as never)}) returning id`;
      for (const [operationId, address] of READS) {
        const operation = operationsOf(document).find((one) => one.operationId === operationId);
        if (operation === undefined) throw new Error(`${operationId} is not documented.`);
        const response = await server.api(address(row?.id));
        const answer = { status: response.status, type: 'application/json', body: await response.text() };
        const request = { method: 'GET', target: '', headers: {}, body: undefined, isValid: true };
        expect(judge(operation, request, answer), JSON.stringify(metadata)).toBeUndefined();
      }
      const stream = await openStream(`${server.url}/api/v1/cliniko/sync-logs/123/events`);
      const [, snapshot] = await stream.until((sent) => sent.length >= 2);
      expect(JSON.parse(snapshot?.data ?? '').log.id).toBe(row?.id);
      expect(isSnapshot?.(JSON.parse(snapshot?.data ?? '')), JSON.stringify(isSnapshot?.errors)).toBe(true);
      stream.close();
    }
  });

  test('keeps the usual type of each key in the documents, for those who read them', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, { organizations: [] });
    const { components }: Document = await (await fetch(`${server.url}/openapi.json`)).json();
    const { progress_percent, errors } = components.schemas.SyncMetadata?.properties ?? {};
    expect(progress_percent).toEqual({ type: 'number' });
    expect(errors?.anyOf).toEqual([
      { type: 'array', items: { type: 'string' } },
      { description: 'Whatever another program has written.' },
    ]);
  });
});
