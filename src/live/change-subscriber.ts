/**
 * One stream of patient changes: a position in the log, and the changes after it. Not a queue, and nothing is folded: a copy needs
 * every change.
 *
 * The stream ends when its position is no longer in the log (a restore, the retention time); the client reconnects with its last
 * id, and the answer says why it must start over.
 */
import { parseCursor } from '#contract/cursor.ts';
import type { PatientChange } from '#contract/patient-change.ts';
import type { LostReason } from '#contract/stream-event.ts';
import { HistoryLostError } from '../events/event-queries.ts';
import { type ChangeLog, startOfPages } from '../patients/follow-changes.ts';
import { encodeChange, type Frame } from './frame.ts';
import type { StreamAuthorization } from './stream-authorization.ts';
import type { FrameTaker, Subscriber } from './subscriber.ts';

/** Maximum changes of one read. */
const BATCH_SIZE = 256;

export interface ChangeStart {
  organizationId: number;
  epoch: string;
  head: number;
  /** Where the stream begins: a `since` of `GET …/changes`. */
  next: string;
  reason: LostReason | null;
}

export interface ChangeSubscriberDeps {
  log: Pick<ChangeLog, 'follow'>;
  authorization: Pick<StreamAuthorization, 'canRead'>;
  onEnded(subscriber: ChangeSubscriber): void;
}

export class ChangeSubscriber implements Subscriber {
  readonly organizationId: number;
  readonly epoch: string;
  readonly head: number;
  readonly reason: LostReason | null;
  /** While the stored patients are sent as `created`: the head at their first page. */
  cursor: number;
  isDirty = false;
  readonly #deps: ChangeSubscriberDeps;
  #next: string;
  #taker: FrameTaker | undefined;
  /** Increases with each `wake`, so news that arrives during a read is not taken for read. */
  #woken = 1;
  #read = 0;

  constructor({ organizationId, epoch, head, next, reason }: ChangeStart, deps: ChangeSubscriberDeps) {
    this.organizationId = organizationId;
    this.epoch = epoch;
    this.head = head;
    this.reason = reason;
    this.cursor = seqOf(next) ?? head;
    this.#next = next;
    this.#deps = deps;
  }

  get isCurrent(): boolean {
    return this.#read === this.#woken;
  }

  /** There may be changes after the position. */
  wake(): void {
    this.#woken += 1;
    this.#taker?.markDirty(this);
  }

  attach(taker: FrameTaker): void {
    this.#taker = taker;
  }

  take(): readonly Frame[] | undefined {
    return this.isCurrent || !this.#canRead ? [] : undefined;
  }

  async catchUp(): Promise<readonly Frame[]> {
    const [from, woken] = [this.#next, this.#woken];
    const { log } = this.#deps;
    const { changes, next, recovered } = await log.follow(this.organizationId, {
      since: from,
      limit: BATCH_SIZE,
    });
    if (!recovered) throw new HistoryLostError('The changes after this position are no longer in the log.');
    // The right may have ended during the read.
    if (!this.#canRead) return [];
    this.#next = next;
    this.cursor = seqOf(next) ?? this.cursor;
    if (changes.length < BATCH_SIZE && parseCursor(from) !== undefined) this.#read = woken;
    return changes.map((change) => this.#encode(change, from, next));
  }

  end(): void {
    this.#deps.onEnded(this);
  }

  get #canRead(): boolean {
    return this.#deps.authorization.canRead(this.organizationId);
  }

  #encode(change: PatientChange, from: string, next: string): Frame {
    const id =
      change.cursor ?? `all.${startOfPages(from) ?? startOfPages(next)}.${change.cliniko_patient_id}`;
    return encodeChange(this.organizationId, change, { id, seq: change.seq ?? this.cursor });
  }
}

function seqOf(position: string): number | undefined {
  const cursor = parseCursor(startOfPages(position) ?? '');
  return cursor && Number(cursor.seq);
}
