/** All viewers of a soak: of events over SSE, WebSocket and polls, and of changes of patients (patient-followers.ts). */
import {
  type Viewer,
  type ViewerMemory,
  viewByPoll,
  viewBySocket,
  viewBySse,
} from '../test/support/viewer.ts';
import type { Environment } from './environment.ts';
import { EventOracle } from './event-oracle.ts';
import { PatientFollowers } from './patient-followers.ts';
import { addressesFrom } from './servers.ts';
import type { ViewerKind } from './viewer-state.ts';

/** For each clinic. */
const SSE_VIEWERS = 3;
/** Each watches a part of the clinics by name; every clinic is in so many of them. */
const NAMED_SOCKETS = 4;
const NAMED_PARTS = 4;
const WHOLE_SOCKETS = 12;
const FOLDED_SOCKETS = 2;
/** Of each server. */
const POLLS = 2;
const POLL_PAUSE_MS = 250;
const FOLD_MS = 250;

export class Audience {
  readonly oracle: EventOracle;
  readonly followers: PatientFollowers;
  readonly #environment: Environment;
  readonly #viewers: Viewer[] = [];
  /** Viewers that joined in the middle of runs. */
  joinedInRuns = 0;

  constructor(environment: Environment) {
    this.#environment = environment;
    this.oracle = new EventOracle(environment.findings);
    this.followers = new PatientFollowers(environment);
  }

  get size(): number {
    return this.#viewers.length + this.followers.viewers.length;
  }

  /** The deliveries to all viewers of events; polls are counted apart. */
  get events(): number {
    const { events, snapshots } = this.oracle.delivered;
    return events + snapshots;
  }

  async join(): Promise<void> {
    this.#watchEvents();
    await this.followers.join();
  }

  /** Copies that begin with the stored patients, and viewers without a cursor. @param n of the join, from 1 */
  joinInRun(organizationId: number, n: number): void {
    const before = this.size;
    const { organizations, servers } = this.#environment;
    const order = addressesFrom(servers, n);
    this.followers.joinInRun(organizationId, n);
    this.#view(`SSE from run ${n}`, 'whole', [organizationId], (memory) =>
      viewBySse(order, organizationId, memory),
    );
    if (n % 2 === 0)
      this.#view(`socket of everything from run ${n}`, 'whole', organizations, (memory) =>
        viewBySocket(order, '*', memory),
      );
    else
      this.#view(`folded socket from run ${n}`, 'folded', organizations, (memory) =>
        viewBySocket(order, '*', memory, FOLD_MS),
      );
    this.joinedInRuns += this.size - before;
  }

  cut(every: number): void {
    const all = [...this.#viewers, ...this.followers.viewers];
    for (const [n, viewer] of all.entries()) if (n % every === 0) viewer.cut();
  }

  leave(): void {
    for (const viewer of this.#viewers) viewer.leave();
    this.followers.leave();
  }

  #watchEvents(): void {
    const { organizations, servers } = this.#environment;
    const orderOf = (n: number) => addressesFrom(servers, n);
    for (const id of organizations)
      for (let n = 0; n < SSE_VIEWERS; n++)
        this.#view(`SSE ${n}`, 'whole', [id], (memory) => viewBySse(orderOf(n), id, memory));
    for (let n = 0; n < NAMED_SOCKETS; n++)
      for (let part = 0; part < NAMED_PARTS; part++) {
        const ids = organizations.filter((_, place) => place % NAMED_PARTS === part);
        this.#view(`socket ${n} by name`, 'whole', ids, (memory) =>
          viewBySocket(orderOf(n + part), ids, memory),
        );
      }
    for (let n = 0; n < WHOLE_SOCKETS; n++)
      this.#view(`socket ${n} of everything`, 'whole', organizations, (memory) =>
        viewBySocket(orderOf(n), '*', memory),
      );
    for (let n = 0; n < FOLDED_SOCKETS; n++)
      this.#view(`folded socket ${n}`, 'folded', organizations, (memory) =>
        viewBySocket(orderOf(n), '*', memory, FOLD_MS),
      );
    for (const [n, url] of addressesFrom(servers, 0).entries())
      for (const id of organizations.slice(n * POLLS, (n + 1) * POLLS))
        this.#view(`poll of server ${n}`, 'poll', [id], (memory) =>
          viewByPoll(url, id, memory, POLL_PAUSE_MS),
        );
  }

  #view(
    name: string,
    kind: ViewerKind,
    ids: readonly number[],
    view: (memory: ViewerMemory) => Viewer,
  ): void {
    const watched = new Set(ids);
    this.#viewers.push(view(this.oracle.openViewer(name, kind, (id) => watched.has(id))));
  }
}
