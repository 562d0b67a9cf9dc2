/**
 * Checks the watched organizations for changes that bypassed the triggers (events/unlogged-changes.ts), and appends a
 * snapshot for their clients. If the events themselves were overwritten, it ends the epoch.
 */
import type { EventLog } from '../events/event-log.ts';
import type { FoundFingerprint, LogFingerprint } from '../events/unlogged-changes.ts';
import { every } from '../timing/every.ts';

/** Finds such a change within a minute, also when one check fails. */
const CHECK_EVERY_MS = 10_000;

/** Above so many organizations each check looks at a part of them. All parts have their turn within 48 s; a failed check is repeated. */
const FEW = 1_000;
const TURNS = 4;

/** Maximum organizations in one statement. */
const ORGANIZATIONS_PER_QUERY = 200;

export interface UnloggedWatchOptions {
  log: Pick<EventLog, 'readFingerprints' | 'appendSnapshot' | 'endEpoch'>;
  /** The organizations with a channel in this process, or with recent polls. */
  watched: () => Iterable<number>;
  onFailure: (error: unknown) => void;
  everyMs?: number;
}

/** @returns a function that stops the checks */
export function watchUnloggedChanges({ log, watched, onFailure, everyMs }: UnloggedWatchOptions): () => void {
  let fingerprints = new Map<number, LogFingerprint>();
  let turn = 0;
  const check = async (): Promise<void> => {
    const found: FoundFingerprint[] = [];
    const all = [...new Set(watched())];
    const due = all.length <= FEW ? all : all.filter((id) => id % TURNS === turn % TURNS);
    const before = due.map((id) => fingerprints.get(id) ?? { organizationId: id, head: 0 });
    for (let from = 0; from < before.length; from += ORGANIZATIONS_PER_QUERY) {
      found.push(...(await log.readFingerprints(before.slice(from, from + ORGANIZATIONS_PER_QUERY))));
    }
    for (const fingerprint of found) {
      const known = fingerprints.get(fingerprint.organizationId);
      if (isRewritten(known, fingerprint)) {
        fingerprints = new Map();
        return await log.endEpoch(fingerprint.epoch);
      }
      if (fingerprint.isUnlogged || isChanged(known, fingerprint)) await log.appendSnapshot(fingerprint);
    }
    const ofOthers = all.flatMap((id) => fingerprints.get(id) ?? []);
    turn += 1;
    fingerprints = new Map(
      [...ofOthers, ...found].map((fingerprint) => [fingerprint.organizationId, fingerprint]),
    );
  };
  return every(
    () => everyMs ?? CHECK_EVERY_MS * (0.8 + Math.random() * 0.4),
    () => check().catch(onFailure),
  );
}

/** Rows changed without an event. */
function isChanged(known: LogFingerprint | undefined, now: LogFingerprint): boolean {
  return known !== undefined && known.head === now.head && known.signature !== now.signature;
}

/** Another event has the `seq` of the previous newest event. */
function isRewritten(known: LogFingerprint | undefined, { headAtBefore }: FoundFingerprint): boolean {
  return (
    known !== undefined && known.headAt !== null && headAtBefore !== null && known.headAt !== headAtBefore
  );
}
