/** `patients.changed`: the feed as messages, in order, tried again, and from the position that each endpoint has. */
import { describe, expect, vi } from 'vitest';
import type { PatientChange } from '#contract/patient-change.ts';
import { WebhookMessage } from '#contract/webhook.ts';
import { CreatedWebhookEndpoint } from '#contract/webhook-endpoint.ts';
import { connectInTest, test } from '../support/database.ts';
import { startTestServer, type TestServer } from '../support/server.ts';
import { wholeSync } from '../support/whole-sync.ts';
import { type Received, startReceiver } from './support/receiver.ts';

async function register(server: TestServer, url: string, organizations: '*' | number[], more = {}) {
  const body = JSON.stringify({ url, organizations, events: ['patients.changed'], ...more });
  return CreatedWebhookEndpoint.parse(await (await server.api('/webhooks', { method: 'POST', body })).json());
}

function dataOf({ body }: Received) {
  const message = WebhookMessage.parse(JSON.parse(body));
  if (message.type !== 'patients.changed') throw new Error(`An unexpected message: ${message.type}`);
  return message.data;
}

const changesOf = (received: readonly Received[]): PatientChange[] =>
  received.flatMap((one) => dataOf(one).changes);

const untilChange = (
  receiver: Awaited<ReturnType<typeof startReceiver>>,
  holds: (last: PatientChange) => boolean,
) =>
  vi.waitFor(
    () => {
      const last = changesOf(receiver.received).at(-1);
      if (last === undefined || !holds(last)) throw new Error(`The last change is ${JSON.stringify(last)}.`);
      return receiver.received;
    },
    { timeout: 20_000, interval: 10 },
  );

describe('the changes of patients as webhooks', () => {
  test('come in order and whole, the same message again after a failure, to those that name them', async ({
    databaseUrl,
  }) => {
    const server = await startTestServer(databaseUrl, {
      patients: 230,
      organizations: [123, 124],
      config: { webhooksMayLoopBack: true },
    });
    const sql = connectInTest(databaseUrl);
    const [ours, all, other, hanging] = [
      await startReceiver(204, 503, 204),
      await startReceiver(204),
      await startReceiver(204),
      await startReceiver('hang'),
    ];
    await register(server, hanging.url, [123]);
    const { id } = await register(server, ours.url, [123], { digest: true });
    await register(server, all.url, '*');
    await register(server, other.url, [124]);
    await wholeSync(server);
    const [stream] = await sql`select head::int from patient_change_streams where organization_id = 123`;
    const head = Number(stream?.head);

    await vi.waitFor(
      async () => {
        // The first delay is 5 s.
        await sql`update webhook_deliveries set next_attempt_at = now() where state = 'pending' and last_status = 503`;
        expect(changesOf(ours.received).at(-1)?.seq).toBe(head);
      },
      { timeout: 20_000, interval: 50 },
    );
    const [, failed, again] = ours.received;
    expect(again?.headers['webhook-id']).toBe(failed?.headers['webhook-id']);
    expect(again?.body).toBe(failed?.body);
    const arrived = ours.received.filter((_, place) => place !== 1);
    expect(changesOf(arrived).map(({ seq }) => seq)).toEqual(Array.from({ length: head }, (_, n) => n + 1));
    for (const [place, one] of arrived.entries()) {
      const { organization_id, changes, next, recovered } = dataOf(one);
      expect({ organization_id, next, recovered }).toEqual({
        ...{ organization_id: 123, recovered: true, next: changes.at(-1)?.cursor },
      });
      expect(changes.length, String(place)).toBeLessThanOrEqual(100);
    }
    const names = await sql<
      { name: string }[]
    >`select distinct last_name as name from patients where last_name <> ''`;
    for (const { body } of arrived) for (const { name } of names) expect(body).not.toContain(name);
    await untilChange(all, ({ seq }) => seq === head);
    // The receiver that does not answer has one message, however much has changed. The last one of another ends after its answer.
    await vi.waitFor(
      async () => expect(await sql`select from webhook_deliveries where state = 'pending'`).toHaveLength(1),
      { timeout: 20_000, interval: 10 },
    );

    // Without the organization nothing comes; with it again, what changes from then on. One patient of a clinic of its own:
    // its first change is the first that was ever made there.
    const put = (organizations: number[]) =>
      server.api(`/webhooks/${id}`, { method: 'PUT', body: JSON.stringify({ organizations }) });
    await put([124]);
    await sql`delete from patients where cliniko_patient_id in (select min(cliniko_patient_id) from patients)`;
    await untilChange(all, ({ seq }) => seq === head + 1);
    await put([123, 124]);
    const [before] = [ours.received.length];
    await sql`insert into patients (organization_id, cliniko_patient_id, last_name, raw, content_hash, warnings)
      values (124, '7', 'Quokka', '{}', '', 0)`;
    await sql`delete from patients where cliniko_patient_id in (select max(cliniko_patient_id) from patients where organization_id = 123)`;
    await vi.waitFor(() => expect(ours.received.length).toBe(before + 2), { timeout: 20_000, interval: 10 });
    expect(
      changesOf(ours.received.slice(before)).sort((one, two) => (one.seq ?? 0) - (two.seq ?? 0)),
    ).toMatchObject([
      { seq: 1, kind: 'created', cliniko_patient_id: '7' },
      { seq: head + 2, kind: 'erased' },
    ]);
    await untilChange(other, ({ seq }) => seq === 1);

    // A deleted organization: who follows all learns that its patients are erased.
    await server.api('/organizations/124', { method: 'DELETE' });
    const last = await untilChange(
      all,
      ({ kind, cliniko_patient_id }) => kind === 'erased' && cliniko_patient_id === '7',
    );
    expect(last.at(-1) && dataOf(last.at(-1) as Received)).toMatchObject({
      organization_id: 124,
      recovered: true,
    });

    // History that is lost before it was sent.
    await sql`update webhook_change_positions set epoch = 'other' where organization_id = 123`;
    const lost = await vi.waitFor(
      () => {
        const found = all.received.map(dataOf).find(({ recovered }) => !recovered);
        expect(found).toBeDefined();
        return found;
      },
      { timeout: 20_000, interval: 10 },
    );
    expect(lost).toMatchObject({ organization_id: 123, changes: [], reason: 'epoch' });
    expect(lost?.next.endsWith(`.${head + 2}`)).toBe(true);
    await sql`update patients set phone = '7' where cliniko_patient_id in (select max(cliniko_patient_id) from patients where organization_id = 123)`;
    await untilChange(all, ({ seq }) => seq === head + 3);
  });
});
