/**
 * The worker: takes runs that nobody works on and works on them, a few side by side.
 *
 * A nudge brings it a new run within milliseconds; a poll every 1 to 2 s finds what a lost nudge left, and what a
 * dead server's lease has let go of. There is no queue beside the table.
 */
import { randomBytes } from 'node:crypto';
import { safeError } from '../logging/safe-error.ts';
import { NO_TRACER } from '../logging/tracer.ts';
import { CancelledError } from './failure.ts';
import { endInterruptedRuns } from './interrupted.ts';
import {
  claimNextRun,
  type Lease,
  LeaseLostError,
  RENEW_EVERY_MS,
  releaseLease,
  renewLeases,
} from './lease.ts';
import type { EngineTools } from './open-run.ts';
import { repeat } from './repeat.ts';
import { runSync } from './run.ts';

/** How long a dead program's row may stay `running` beyond its time. */
const LOOK_FOR_INTERRUPTED_MS = 30_000;

/** Runs that one server works on at the same time. */
const MAX_RUNS = 4;

export interface Worker {
  /** Lets go of its runs, which others may then take at once. */
  stop(): Promise<void>;
}

interface ActiveRun {
  lease: Lease;
  letGo: AbortController;
  ended: Promise<void>;
}

export function startWorker(tools: EngineTools): Worker {
  const owner = randomBytes(8).toString('hex');
  const { tracer = NO_TRACER } = tools;
  const active = new Set<ActiveRun>();
  let stopping = false;
  let claiming: Promise<void> | undefined;
  let claimAgain = false;

  const take = (claimed: Awaited<ReturnType<typeof claimNextRun>> & object): void => {
    const letGo = new AbortController();
    const run: ActiveRun = { lease: claimed.lease, letGo, ended: Promise.resolve() };
    const { syncLogId, organizationId } = claimed.lease;
    const facts = { sync_log_id: syncLogId, organization_id: organizationId, attempt: claimed.attempt };
    tools.observer?.claimed(claimed.kind);
    run.ended = tracer
      .span(`run ${claimed.type}`, facts, () => runSync(claimed, tools, letGo.signal))
      .catch((error: unknown) => tools.logger.error(safeError(error), 'A run broke off'))
      .finally(() => {
        active.delete(run);
        wake();
      });
    active.add(run);
  };
  const claim = async (): Promise<void> => {
    do {
      claimAgain = false;
      while (!stopping && active.size < MAX_RUNS) {
        const ids = [...active].map((run) => run.lease.syncLogId);
        const claimed = await claimNextRun(tools.database, owner, ids);
        if (claimed === undefined) break;
        take(claimed);
      }
    } while (claimAgain && !stopping);
  };
  /** One claim at a time; a wake in between asks for another round. */
  const wake = (): void => {
    claimAgain = true;
    claiming ??= claim()
      .catch((error: unknown) =>
        tools.logger.debug(safeError(error), 'Claiming a run failed; the next poll tries again'),
      )
      .finally(() => {
        claiming = undefined;
        // A wake that came after the last look and before this line.
        if (claimAgain && !stopping) wake();
      });
  };
  const renew = async (): Promise<void> => {
    const lost = await renewLeases(
      tools.database,
      owner,
      [...active].map((run) => run.lease),
    );
    for (const run of active) {
      if (lost.includes(run.lease)) run.letGo.abort(new LeaseLostError('Another server has this run now.'));
    }
  };

  const cancel = (ids: readonly number[]): void => {
    for (const run of active) {
      if (ids.includes(run.lease.syncLogId))
        run.letGo.abort(new CancelledError('Somebody asked for its end.'));
    }
  };
  const unsubscribe = tools.bus.subscribe((nudge) => {
    if (nudge.work) wake();
    cancel(nudge.cancelled ?? []);
  });
  const unsubscribeGap = tools.bus.onGap(wake);
  const stopPolling = repeat(
    () => 1_000 + Math.random() * 1_000,
    async () => wake(),
  );
  const stopRenewing = repeat(
    () => RENEW_EVERY_MS,
    () => renew().catch(() => {}),
  );
  const stopLooking = repeat(
    () => LOOK_FOR_INTERRUPTED_MS * (0.5 + Math.random()),
    async () => {
      await endInterruptedRuns(tools.database).catch((error: unknown) =>
        tools.logger.warn(safeError(error), 'Looking for interrupted runs failed; the next look tries again'),
      );
    },
  );
  wake();

  return {
    async stop() {
      stopping = true;
      unsubscribe();
      unsubscribeGap();
      stopPolling();
      stopRenewing();
      stopLooking();
      await claiming;
      const runs = [...active];
      for (const run of runs) run.letGo.abort(new Error('This server is stopping.'));
      await Promise.all(runs.map((run) => run.ended));
      await Promise.all(runs.map((run) => releaseLease(tools.database, run.lease).catch(() => {})));
      if (runs.length > 0) tools.bus.publish({ organizations: [], work: true });
    },
  };
}
