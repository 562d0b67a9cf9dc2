/**
 * The oracle over webhooks: each end of a run arrives, and each change of a patient in order. A message may come again, unchanged and under
 * the same id.
 */
import { WebhookMessage } from '#contract/webhook.ts';
import type { Findings } from './findings.ts';
import { expectNoPatientData } from './patient-data.ts';

const SAME = 'a webhook that comes again is the same message';
const ONCE = 'an end of a run is one webhook';
const ARRIVES = 'each end of a run arrives as a webhook';
const ORDERED = 'the changes of patients arrive as webhooks without a gap';
const NO_PATIENT_DATA = 'webhooks contain no patient data';

/** What the database contains. */
export interface SentByServers {
  /** `sync.completed 17` */
  ends: readonly string[];
  /** The number of the last change of a patient, by organization. */
  heads: ReadonlyMap<number, number>;
}

export class WebhookOracle {
  received = 0;
  readonly #findings: Findings;
  readonly #texts = new Map<string, string>();
  readonly #ends = new Set<string>();
  /** The number of the last change, by organization. */
  readonly #lastSeqs = new Map<number, number>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  get repeated(): number {
    return this.received - this.#texts.size;
  }

  /** @param id `webhook-id` */
  take(id: string, text: string): void {
    this.received += 1;
    const before = this.#texts.get(id);
    this.#findings.expect(SAME, before === undefined || before === text, () => `${id}: ${text}`);
    if (before !== undefined) return;
    this.#texts.set(id, text);
    expectNoPatientData(this.#findings, NO_PATIENT_DATA, id, text);
    const message = WebhookMessage.parse(JSON.parse(text));
    if (message.type === 'patients.changed') this.#takeChanges(message.data);
    if (message.type !== 'sync.completed' && message.type !== 'sync.failed') return;
    const end = `${message.type} ${message.data.sync_log_id}`;
    this.#findings.expect(ONCE, !this.#ends.has(end), () => `${end} came again as ${id}`);
    this.#ends.add(end);
  }

  #takeChanges(data: Extract<WebhookMessage, { type: 'patients.changed' }>['data']): void {
    const { organization_id: id, recovered, changes } = data;
    this.#findings.expect(ORDERED, recovered, () => `organization ${id} starts over: ${data.reason}`);
    for (const { seq } of changes) {
      const last = this.#lastSeqs.get(id) ?? 0;
      this.#findings.expect(ORDERED, seq === last + 1, () => `organization ${id}: ${seq} after ${last}`);
      this.#lastSeqs.set(id, seq ?? last);
    }
  }

  /** What has not arrived. */
  behind({ ends, heads }: SentByServers): string[] {
    const changes = [...heads].flatMap(([id, head]) => {
      const last = this.#lastSeqs.get(id) ?? 0;
      return last === head ? [] : [`change ${last} of ${head} of organization ${id} as a webhook`];
    });
    return [...changes, ...ends.filter((end) => !this.#ends.has(end)).map((end) => `the webhook ${end}`)];
  }

  compare({ ends, heads }: SentByServers): void {
    for (const end of ends) this.#findings.expect(ARRIVES, this.#ends.has(end), () => end);
    for (const end of this.#ends)
      if (!ends.includes(end)) this.#findings.fail(ARRIVES, `${end} did not happen`);
    for (const [id, head] of heads) {
      const last = this.#lastSeqs.get(id) ?? 0;
      this.#findings.expect(ORDERED, last === head, () => `organization ${id} ended at ${last} of ${head}`);
    }
  }
}
