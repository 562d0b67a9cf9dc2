/**
 * Programs that follow the changes of patients, over the stream and over polls, each with a copy of one clinic. Some begin before the
 * first run, others in the middle of one with the stored patients (`since=all`).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type PatientChange, PatientChangeEvent, PatientChanges } from '#contract/patient-change.ts';
import { Hello } from '#contract/stream-event.ts';
import { startOfPages } from '../src/patients/follow-changes.ts';
import { openSse, reconnect, type Viewer } from '../test/support/viewer.ts';
import type { Environment } from './environment.ts';
import { PatientCopy } from './patient-copy.ts';
import type { SoakPostgres } from './postgres.ts';
import { addressesFrom, type Server } from './servers.ts';

const POLL_PAUSE_MS = 1_500;
/** Longer than a server is frozen, so that it answers after that. */
const ANSWER_WITHIN_MS = 30_000;
const REFRESH_PAUSE_MS = 700;

const NOTHING_PENDING = 'no change of a patient waits for its number';
const CONTINUES = 'the changes of patients continue at the cursor of the copy';

/** @param cursor of the contract: an epoch and a number */
const numberOf = (cursor: string): number => Number(cursor.split('.')[1]);

/** Its id contains the number after which the numbered changes follow; it stays the same for all stored patients. */
const isFirstListed = (copy: PatientCopy, { seq }: PatientChange): boolean =>
  seq === null && copy.listed === 0;

/** What followers need of an environment. */
export interface Followed extends Pick<Environment, 'findings' | 'fail' | 'organizations'> {
  servers: readonly Pick<Server, 'url'>[];
  postgres: Pick<SoakPostgres, 'read'>;
}

export class PatientFollowers {
  readonly copies: PatientCopy[] = [];
  readonly viewers: Viewer[] = [];
  readonly #environment: Followed;
  readonly #refreshing: Promise<void>[] = [];
  #isLastRefresh = false;

  constructor(environment: Followed) {
    this.#environment = environment;
  }

  /** Received by all of them. */
  get changes(): number {
    return this.copies.reduce((sum, { changes }) => sum + changes, 0);
  }

  leave(): void {
    this.#isLastRefresh = true;
    for (const viewer of this.viewers) viewer.leave();
  }

  /** The patients that `since=all` has sent. */
  get listed(): number {
    return this.copies.reduce((sum, { listed }) => sum + listed, 0);
  }

  /** One copy of each clinic over the stream, one over polls. */
  async join(): Promise<void> {
    const { organizations, servers } = this.#environment;
    for (const [n, id] of organizations.entries()) {
      const path = `/api/v1/cliniko/patients/${id}/changes`;
      const now = await fetch(`${servers[0]?.url}${path}`);
      const { next } = PatientChanges.parse(await now.json());
      this.#open('changes', id, next, n % 2 === 0 ? 'all' : next, n);
    }
  }

  /** Copies that begin with the stored patients while a run writes more. */
  joinInRun(organizationId: number, n: number): void {
    this.#open(`changes from run ${n}`, organizationId, 'all', 'all', n);
  }

  /** @param streamed where the copy over the stream begins. @param polled where the one over polls begins */
  #open(name: string, id: number, streamed: string, polled: string, n: number): void {
    this.viewers.push(
      this.#followStream(this.#openCopy(`stream of ${name}`, id, streamed), streamed, n),
      this.#followPolls(this.#openCopy(`polls of ${name}`, id, polled), polled, n),
    );
  }

  #openCopy(name: string, id: number, start: string): PatientCopy {
    const { findings } = this.#environment;
    const copy = new PatientCopy(name, id, findings, start === 'all' ? start : numberOf(start));
    this.copies.push(copy);
    this.#refreshing.push(this.#keepFresh(copy).catch(this.#environment.fail));
    return copy;
  }

  async #keepFresh(copy: PatientCopy): Promise<void> {
    while (!this.#isLastRefresh) {
      await delay(REFRESH_PAUSE_MS);
      await this.#refresh(copy);
    }
  }

  #refresh(copy: PatientCopy): Promise<void> {
    return copy.refresh((ids) => this.#readRows(copy.organizationId, ids));
  }

  /** After the last change: the copies read the patients that are left, and no further ones. */
  async refreshLast(): Promise<void> {
    this.#isLastRefresh = true;
    await Promise.all(this.#refreshing);
    for (const copy of this.copies) await this.#refresh(copy);
  }

  /** Copies that have not received everything, with their places. */
  async behind(): Promise<string[]> {
    const rows = await this.#environment.postgres.read(
      (sql) => sql<{ id: number; head: number; patients: number }[]>`
        select organization_id as id, head::int,
          (select count(*)::int from patients where patients.organization_id = stream.organization_id) as patients
        from patient_change_streams as stream`,
    );
    const ends = new Map(rows.map(({ id, ...end }) => [id, end]));
    return this.copies.flatMap((copy) => {
      const { head, patients } = ends.get(copy.organizationId) ?? { head: 0, patients: 0 };
      return copy.behind(head, patients) ?? [];
    });
  }

  /** Compares the copies of an organization with its table and its log, after `refreshLast`. */
  async compare(organizationId: number): Promise<void> {
    const { findings, postgres } = this.#environment;
    const table = await this.#readRows(organizationId);
    const log = await this.#readLog(organizationId);
    for (const copy of this.copies) if (copy.organizationId === organizationId) copy.compare(table, log);
    const pending = await postgres.read(
      (sql) => sql`select id from patient_changes_pending where organization_id = ${organizationId}`,
    );
    const evidence = () => `${pending.length} of organization ${organizationId}`;
    findings.expect(NOTHING_PENDING, pending.length === 0, evidence);
  }

  /** Each numbered change as `kind id`. */
  async #readLog(organizationId: number): Promise<Map<number, string>> {
    const rows = await this.#environment.postgres.read(
      (sql) => sql<{ seq: number; kinds: string[]; ids: string[] }[]>`
        select seq::int, kinds, cliniko_patient_ids as ids from patient_changes
        where organization_id = ${organizationId} order by seq`,
    );
    const log = new Map<number, string>();
    for (const { seq, kinds, ids } of rows)
      for (const [n, patient] of ids.entries()) log.set(seq - ids.length + 1 + n, `${kinds[n]} ${patient}`);
    return log;
  }

  /** The digest of each row of `patients`. @param ids all patients when it is missing */
  async #readRows(organizationId: number, ids?: readonly string[]): Promise<Map<string, string>> {
    const rows = await this.#environment.postgres.read(
      (sql) => sql<{ id: string; digest: string }[]>`
        select cliniko_patient_id as id, md5(patients::text) as digest from patients
        where organization_id = ${organizationId}
          ${ids === undefined ? sql`` : sql`and cliniko_patient_id = any(${[...ids]}::text[])`}`,
    );
    return new Map(rows.map(({ id, digest }) => [id, digest]));
  }

  #followStream(copy: PatientCopy, start: string, n: number): Viewer {
    const { findings, servers } = this.#environment;
    let last = start;
    return reconnect(addressesFrom(servers, n), (url) =>
      openSse(
        `${url}/api/v1/cliniko/patients/${copy.organizationId}/changes/stream`,
        last,
        ({ event, id, data }) => {
          if (event === 'hello') {
            const { recovered } = Hello.parse(JSON.parse(data));
            findings.expect(CONTINUES, recovered, () => `${copy.name} of ${copy.organizationId}: ${data}`);
          }
          if (event !== 'change' || id === undefined) return;
          const { v, type, organization_id, ...change } = PatientChangeEvent.parse(JSON.parse(data));
          if (isFirstListed(copy, change)) copy.startAt(numberOf(startOfPages(id) ?? ''));
          copy.take(change);
          last = id;
        },
      ),
    );
  }

  #followPolls(copy: PatientCopy, start: string, n: number): Viewer {
    const { findings, servers } = this.#environment;
    let since = start;
    const poll = (url: string) => {
      const stop = new AbortController();
      const { signal } = stop;
      const timer = setTimeout(() => stop.abort(), ANSWER_WITHIN_MS);
      const ask = async (): Promise<void> => {
        const path = `/api/v1/cliniko/patients/${copy.organizationId}/changes?since=${since}&limit=1000`;
        const response = await fetch(`${url}${path}`, { signal });
        if (!response.ok) return;
        const answer = PatientChanges.safeParse(await response.json()).data;
        const isRead = answer?.recovered === true;
        findings.expect(CONTINUES, isRead, () => `${copy.name} of ${copy.organizationId}: ${since}`);
        if (answer === undefined) return;
        for (const change of answer.changes) copy.take(change);
        const { next } = answer;
        // The pages of all patients lead into the numbered changes after this one.
        if (since.startsWith('all') && !next.startsWith('all')) {
          copy.startAt(numberOf(next));
          copy.endListing();
        }
        since = next;
      };
      // A server that is away; the next one is asked.
      const ended = ask()
        .catch(() => {})
        .finally(() => clearTimeout(timer));
      return { ended, cut: () => stop.abort() };
    };
    return reconnect(addressesFrom(servers, n), poll, POLL_PAUSE_MS);
  }
}
