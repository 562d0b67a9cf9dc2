/** Injects the planned faults one after another. Those that last go on beside the next ones. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Audience } from './audience.ts';
import type { Environment } from './environment.ts';
import { describeFault, type Fault, type FaultKind, planFault } from './fault-plan.ts';

export interface FaultCounts {
  injected: Map<FaultKind, number>;
  /** Without an effect: of a server that another fault had taken, without NATS, without a session to end or a request to fail. */
  leftOut: number;
}

export class FaultInjector {
  readonly counts: FaultCounts = { injected: new Map(), leftOut: 0 };
  readonly #environment: Environment;
  readonly #audience: Audience;
  /** Faults that last, by what they affect. */
  readonly #lasting = new Map<string, Promise<void>>();
  #clockAheadMs = 0;

  constructor(environment: Environment, audience: Audience) {
    this.#environment = environment;
    this.#audience = audience;
  }

  /** Until `isOver`; then everything works again. */
  async run(isOver: AbortSignal): Promise<void> {
    const { options, say } = this.#environment;
    for (let n = 1; !isOver.aborted; n++) {
      const { fault, pauseMs } = planFault(options, n);
      await delay(pauseMs, undefined, { signal: isOver }).catch(() => {});
      if (isOver.aborted) break;
      const isInjected = await this.#inject(fault);
      say(`fault ${n}: ${describeFault(fault)}${isInjected ? '' : ' (left out)'}`);
      if (isInjected) this.counts.injected.set(fault.kind, (this.counts.injected.get(fault.kind) ?? 0) + 1);
      else this.counts.leftOut += 1;
    }
    await this.#repair();
  }

  get total(): number {
    return [...this.counts.injected.values()].reduce((sum, count) => sum + count, 0);
  }

  async #repair(): Promise<void> {
    const { cliniko } = this.#environment;
    await Promise.all(this.#lasting.values());
    await this.#moveClock(0);
    this.#countEffective(await cliniko.ask<number>({ what: 'effective' }));
  }

  /** Only now it is known whether the servers have sent requests that could fail. */
  #countEffective(effective: number): void {
    const { injected } = this.counts;
    this.counts.leftOut += (injected.get('fail requests') ?? 0) - effective;
    injected.set('fail requests', effective);
  }

  /** @returns false when it stood there already */
  async #moveClock(aheadMs: number): Promise<boolean> {
    const isMoved = aheadMs !== this.#clockAheadMs;
    this.#clockAheadMs = aheadMs;
    return isMoved && (await this.#environment.cliniko.ask<boolean>({ what: 'clock', aheadMs }));
  }

  async #inject(fault: Fault): Promise<boolean> {
    const { postgres, cliniko, nats } = this.#environment;
    switch (fault.kind) {
      case 'kill':
      case 'restart':
        return this.#replace(fault.server, fault.kind === 'kill' ? 'SIGKILL' : 'SIGTERM');
      case 'freeze':
        return this.#freeze(fault.server, fault.ms);
      case 'end sessions':
        // The session of the soak may have ended with a restart.
        return (await postgres.endSessions(fault.names).catch(() => 0)) > 0;
      case 'restart PostgreSQL':
        return await postgres.restart(fault.how);
      case 'kill NATS':
        return (
          nats !== undefined &&
          this.#last('NATS', () =>
            nats
              .kill()
              .then(() => delay(fault.ms))
              .then(nats.start),
          )
        );
      case 'move clock':
        return await this.#moveClock(fault.aheadMs);
      case 'fail requests':
        return await cliniko.ask<boolean>({ ...fault, what: 'fail' });
      case 'cut viewers':
        this.#audience.cut(fault.every);
        return true;
      default:
        return fault satisfies never;
    }
  }

  #replace(which: number, signal: 'SIGKILL' | 'SIGTERM'): boolean {
    const server = this.#environment.servers[which];
    if (server?.isUp !== true) return false;
    return this.#last(server.name, async () => {
      await server.stop(signal);
      await server.start();
    });
  }

  #freeze(which: number, ms: number): boolean {
    const server = this.#environment.servers[which];
    if (server?.isUp !== true) return false;
    return this.#last(server.name, async () => {
      server.signal('SIGSTOP');
      await delay(ms);
      server.signal('SIGCONT');
    });
  }

  /** @returns false when a fault already affects it */
  #last(what: string, work: () => Promise<void>): boolean {
    if (this.#lasting.has(what)) return false;
    const lasting = work().finally(() => this.#lasting.delete(what));
    this.#lasting.set(what, lasting);
    // `run` waits for it too; until then its failure ends the soak.
    lasting.catch(this.#environment.fail);
    return true;
  }
}
