/** Nudges that wait to be sent, merged: however many come, each organization and each run waits once. */
import type { Nudge } from './event-bus.ts';

export class PendingNudges {
  readonly #organizations = new Set<number>();
  readonly #cancelled = new Set<number>();
  #work = false;

  add({ organizations, work, cancelled = [] }: Nudge): void {
    for (const organization of organizations) this.#organizations.add(organization);
    for (const run of cancelled) this.#cancelled.add(run);
    this.#work ||= work;
  }

  get isEmpty(): boolean {
    return this.#organizations.size + this.#cancelled.size === 0 && !this.#work;
  }

  takeAll(): Required<Nudge> {
    const nudge = {
      organizations: [...this.#organizations],
      work: this.#work,
      cancelled: [...this.#cancelled],
    };
    this.#organizations.clear();
    this.#cancelled.clear();
    this.#work = false;
    return nudge;
  }
}
