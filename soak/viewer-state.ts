/** How far one viewer is in each organization, and the rules for its next event. */
import { z } from 'zod';
import { LostReason } from '#contract/stream-event.ts';
import type { Findings } from './findings.ts';

/** `whole`: every event. `folded`: states, and the ends of runs. `poll`: the newest state. */
export type ViewerKind = 'whole' | 'folded' | 'poll';

const IN_ORDER = 'each viewer gets every event once and in order, unless a snapshot replaces some';
const CONTINUES = 'a stream continues at the cursor of its viewer';

interface Place {
  last: number;
  /** A later end of a run must arrive. */
  since: number;
  terminals: Set<number>;
  /** The end of a run arrived after a gap: a snapshot has to follow. */
  gapAfter?: number | undefined;
}

/** Parts of `hello` and `subscribed`. */
const Reset = z.object({ reason: LostReason });

export class ViewerState {
  readonly name: string;
  readonly watches: (organizationId: number) => boolean;
  readonly #kind: ViewerKind;
  readonly #findings: Findings;
  readonly #places = new Map<number, Place>();

  constructor(
    name: string,
    kind: ViewerKind,
    watches: (organizationId: number) => boolean,
    findings: Findings,
  ) {
    this.name = name;
    this.watches = watches;
    this.#kind = kind;
    this.#findings = findings;
  }

  takeEvent(organizationId: number, seq: number, isTerminal: boolean): void {
    const place = this.#places.get(organizationId);
    // An organization without a snapshot had no event yet when the viewer came.
    const last = place?.last ?? 0;
    const isNext = seq === last + 1 && place?.gapAfter === undefined;
    const isFold = this.#kind === 'folded' || isTerminal;
    this.#findings.expect(
      IN_ORDER,
      isNext || (seq > last && isFold),
      () => `${this.#where(organizationId)}: ${seq} after ${place?.gapAfter ?? last}`,
    );
    const next = place ?? this.#open(organizationId, seq);
    if (this.#kind === 'whole' && !isNext && isTerminal) next.gapAfter ??= last;
    else next.gapAfter = undefined;
    next.last = Math.max(last, seq);
    if (isTerminal && this.#kind === 'folded') next.terminals.add(seq);
  }

  /** A snapshot or the answer to a poll. */
  takeState(organizationId: number, seq: number): void {
    const place = this.#places.get(organizationId) ?? this.#open(organizationId, seq);
    this.#findings.expect(
      IN_ORDER,
      seq >= place.last,
      () => `${this.#where(organizationId)}: the state ${seq} after ${place.last}`,
    );
    place.last = Math.max(place.last, seq);
    place.gapAfter = undefined;
    if (place.since === Number.POSITIVE_INFINITY) place.since = seq;
  }

  /** Only a viewer that was away for more than 1,000 events starts over, with a snapshot. */
  lose(text: string): void {
    const parts = [...text.matchAll(/"reason":"[a-z_]+"/g)].map(([reason]) => `{${reason}}`);
    const reasons = parts.map((part) => Reset.safeParse(JSON.parse(part)).data?.reason);
    const isFar = reasons.length > 0 && reasons.every((reason) => reason === 'too_far');
    this.#findings.expect(CONTINUES, isFar, () => `${this.name}: ${text.slice(0, 500)}`);
    // Until the snapshot.
    for (const place of this.#places.values()) place.since = Number.POSITIVE_INFINITY;
  }

  behind(heads: ReadonlyMap<number, number>): string[] {
    return [...heads].flatMap(([id, head]) => {
      const { last = 0, gapAfter } = this.#places.get(id) ?? {};
      if (!this.watches(id) || (last === head && gapAfter === undefined)) return [];
      return [`${this.#where(id)}: ${gapAfter ?? last} of ${head}`];
    });
  }

  /** @returns undefined for a viewer that does not get folded states */
  missedTerminals(organizationId: number, terminals: readonly number[]): number[] | undefined {
    if (this.#kind !== 'folded' || !this.watches(organizationId)) return undefined;
    const place = this.#places.get(organizationId);
    return terminals.filter((seq) => seq > (place?.since ?? 0) && !place?.terminals.has(seq));
  }

  #open(organizationId: number, seq: number): Place {
    const place = { last: 0, since: seq, terminals: new Set<number>() };
    this.#places.set(organizationId, place);
    return place;
  }

  #where(organizationId: number): string {
    return `${this.name}, organization ${organizationId}`;
  }
}
