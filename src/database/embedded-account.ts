/**
 * The user that PostgreSQL runs as, and what that user can reach.
 *
 * PostgreSQL refuses to run as root. Started by root we run it as 65534 (`nobody`: there is no account to create),
 * or as whoever owns the cluster already; started by anyone else we run it as ourselves, and reach is no question.
 *
 * Not here: what to do when something is out of reach (embedded-binaries.ts, embedded-home.ts).
 */
import type { Stats } from 'node:fs';
import { chmod, mkdir, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** `undefined` is the user that runs this process. */
export type Account = { uid: number; gid: number } | undefined;

/** What one has to be allowed to do with the last part of a path. Everything before it has to be entered. */
export const ENTER = 1;
export const READ_AND_ENTER = 5;

const NOBODY = { uid: 65534, gid: 65534 };

/** The account for the cluster in `files`, which need not exist yet. */
export async function accountFor(files: string): Promise<Account> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(files).catch(() => undefined);
  return owner !== undefined && owner.uid !== 0 ? { uid: owner.uid, gid: owner.gid } : NOBODY;
}

/** Judged by owner, group and mode alone, as the kernel does; access lists and mount options are not seen. */
export async function canReach(account: Account, path: string, bits: number): Promise<boolean> {
  if (account === undefined) return true;
  const real = await realpath(path);
  if (!allows(account, await stat(real), bits)) return false;
  for (let at = dirname(real); ; at = dirname(at)) {
    if (!allows(account, await stat(at), ENTER)) return false;
    if (at === dirname(at)) return true;
  }
}

function allows(account: NonNullable<Account>, entry: Stats, bits: number): boolean {
  const shift = entry.uid === account.uid ? 6 : entry.gid === account.gid ? 3 : 0;
  return ((entry.mode >> shift) & bits) === bits;
}

/** A directory that every account can pass through, whatever the umask is. One that exists is left as it is. */
export async function makeEnterable(dir: string): Promise<void> {
  const made = await mkdir(dir, { recursive: true });
  if (made !== undefined) await chmod(dir, 0o711);
}
