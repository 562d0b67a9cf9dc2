/**
 * Reads of one organization's history that may use a replica (`READ_DATABASE_URL`): long lists, analytics and exports.
 *
 * A client never gets an answer that is older than what it has seen, here or on another server. So each read first asks the
 * primary for the head of the organization, which is one look into an index, and the replica answers only when it has
 * replayed that head. Otherwise, and while the replica is away, the primary answers.
 */
import type { ISql, TransactionSql } from 'postgres';
import { NoAnswerError, withinMs } from '../database/answer-limit.ts';
import type { Database } from '../database/open.ts';
import { openTimeoutClient } from '../database/timeout-client.ts';
import { isDatabaseUnavailable } from '../database/transient-errors.ts';
import { databaseError } from '../logging/safe-error.ts';

/** @param epoch the epoch of the history, where the database cannot name it itself: a replica cannot */
type ReadWork<T> = (sql: ISql, epoch?: string) => Promise<T>;

export interface HistoryReads {
  /** The result is not older than the primary was when the call began. */
  read<T>(organizationId: number, work: ReadWork<T>): Promise<T>;
}

/** Which database answered, and why the primary did when a replica is configured. */
export type ReadOutcome = 'replica' | 'behind' | 'busy' | 'away';

/** Why the replica is not asked: it does not answer, or the primary does not let this server prove anything. */
export type ReplicaLoss = 'away' | 'unprovable';

export interface ReplicaOptions {
  /** A direct connection: the session has settings that a pooler rejects. */
  url: string;
  /** Proves on the primary what the replica must have; it sees all organizations. */
  whole: Pick<Database, 'sql'>;
  /** Answers when the replica does not, restricted like every read of the request. */
  primary: Pick<Database, 'sql'>;
  /** Restricts a transaction on the replica to the organizations of the request. */
  restrict(tx: TransactionSql): Promise<unknown>;
  onRead(outcome: ReadOutcome): void;
  /** Called once when the replica is lost, and once with undefined when it answers again. */
  onHealth(lost: ReplicaLoss | undefined): void;
  limits?: { proofMs: number; answerMs: number };
}

/** The proof counts from the request on, connecting included. The answer: as long as a restricted read may take on the primary. */
const LIMITS = { proofMs: 1_500, answerMs: 15_000 };
const TRY_AGAIN_AFTER_MS = 5_000;
const CONNECTIONS = 3;

export const primaryReads = (database: Pick<Database, 'sql'>): HistoryReads => ({
  read: (_organizationId, work) => work(database.sql),
});

export function openReplicaReads(options: ReplicaOptions): HistoryReads & { close(): Promise<void> } {
  const { whole, primary, onRead, limits = LIMITS } = options;
  const replica = openReplica(options, limits);
  const health = createHealth(options.onHealth);
  return {
    async read<T>(organizationId: number, work: ReadWork<T>): Promise<T> {
      const required = health.isAway
        ? undefined
        : await health.prove(() => readProof(whole.sql, organizationId));
      const answer: Attempt<T> =
        required === undefined
          ? { outcome: 'away' }
          : await health.attempt(() => replica.read(organizationId, required, work));
      onRead(answer.outcome);
      return answer.outcome === 'replica' ? answer.value : await work(primary.sql);
    },
    close: replica.close,
  };
}

function openReplica({ url, restrict }: ReplicaOptions, { proofMs, answerMs }: typeof LIMITS) {
  const client = openTimeoutClient({
    url,
    applicationName: 'patient-sync replica',
    limitMs: answerMs,
    max: CONNECTIONS,
    prepare: true,
    throughPooler: false,
    mayBeStandby: true,
  });
  let used = 0;
  return {
    /** @throws NoAnswerError when the replica has not proved in time what it has; `work` does not begin after that */
    async read<T>(organizationId: number, required: Proof, work: ReadWork<T>): Promise<Found<T>> {
      // Waiting behind other reads would delay this one, and the primary is free to answer.
      if (used >= CONNECTIONS) return 'busy';
      used += 1;
      let isLate = false;
      let onProved = (): void => {};
      const proved = new Promise<void>((resolve) => {
        onProved = resolve;
      });
      // One transaction: an address may lead to several replicas. Not one snapshot: the work may see more than the proof.
      const inTransaction = async (tx: TransactionSql): Promise<Found<T>> => {
        const found = await readProof(tx, organizationId);
        if (isLate) throw new NoAnswerError('The proof came too late');
        onProved();
        if (!includes(found, required)) return 'behind';
        await restrict(tx);
        return { value: await work(tx, required.epoch) };
      };
      const answer = client
        .query((sql) => sql.begin('isolation level read committed read only', inTransaction))
        .finally(() => {
          used -= 1;
        });
      // When it is late, the primary has answered.
      answer.catch(() => {});
      await withinMs(proofMs, Promise.race([proved, answer])).catch((error: unknown) => {
        isLate = true;
        throw error;
      });
      return await answer;
    },
    close: client.close,
  };
}

interface Proof {
  cluster: string;
  timeline: number;
  seed: string;
  head: string;
  /** '' in recovery. */
  epoch: string;
}

/**
 * A replica of the same history has the same cluster, timeline and seed. Only a server outside of recovery can name its epoch: the
 * function needs its WAL position. The position also names the timeline at once; the control data does so from the next checkpoint
 * on. Until then a replica of the primary before, or one that was promoted beside the primary, would look the same, and may have gone
 * another way. A copy of the database, and another replica that was promoted to the same timeline, have another epoch.
 */
async function readProof(sql: ISql, organizationId: number): Promise<Proof> {
  const [row] = await sql<Proof[]>`
    select (select system_identifier::text from pg_control_system()) as cluster,
      case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint())
        else ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int end as timeline,
      (select seed::text from sync_epoch_seed limit 1) as seed,
      coalesce((select head from sync_streams where organization_id = ${organizationId}), 0)::text as head,
      case when pg_is_in_recovery() then '' else sync_epoch() end as epoch`;
  if (row === undefined) throw new Error('A statement that always returns one row returned none.');
  return row;
}

function includes(found: Proof, required: Proof): boolean {
  const isSameHistory =
    found.cluster === required.cluster &&
    found.timeline === required.timeline &&
    found.seed === required.seed &&
    (found.epoch === '' || found.epoch === required.epoch);
  return isSameHistory && BigInt(found.head) >= BigInt(required.head);
}

type Found<T> = { value: T } | 'behind' | 'busy';
type Attempt<T> = { outcome: 'replica'; value: T } | { outcome: 'behind' | 'busy' | 'away' };

const INSUFFICIENT_PRIVILEGE = '42501';

/** After a failure the replica is not asked for some seconds, so that a lost one does not delay every request. */
function createHealth(onHealth: ReplicaOptions['onHealth']) {
  let current: ReplicaLoss | undefined;
  let awayUntil = Number.NEGATIVE_INFINITY;
  const set = (lost: ReplicaLoss | undefined): void => {
    if (lost !== current) onHealth(lost);
    current = lost;
    if (lost !== undefined) awayUntil = performance.now() + TRY_AGAIN_AFTER_MS;
  };
  return {
    get isAway(): boolean {
      return performance.now() < awayUntil;
    },
    /** @returns undefined when the primary does not let this server read what identifies its history */
    async prove(read: () => Promise<Proof>): Promise<Proof | undefined> {
      try {
        return await read();
      } catch (error) {
        if (databaseError(error)?.code !== INSUFFICIENT_PRIVILEGE) throw error;
        set('unprovable');
        return undefined;
      }
    },
    async attempt<T>(read: () => Promise<Found<T>>): Promise<Attempt<T>> {
      try {
        const found = await read();
        if (found === 'busy') return { outcome: found };
        set(undefined);
        return found === 'behind' ? { outcome: found } : { outcome: 'replica', value: found.value };
      } catch (error) {
        // Another error is of this read alone, such as a conflict with the replay. The primary answers, or fails itself.
        if (isDatabaseUnavailable(error)) set('away');
        return { outcome: 'away' };
      }
    },
  };
}
