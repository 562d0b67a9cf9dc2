/**
 * The user that PostgreSQL runs as, and what that user can reach.
 *
 * PostgreSQL refuses to run as root. Started by root it runs as a user of its own: a number derived from the data directory,
 * without an account. A shared user such as 65534 (`nobody`) would let every other program of that user read and change the
 * cluster. A cluster that has an owner keeps it; one of 65534, as older versions made it, is given to its own user when it
 * does not run. Started by another user it runs as that user, and reach is no question.
 *
 * Not here: what to do when something is out of reach (binaries.ts, data-directory.ts).
 */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, lchown, mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** `undefined` is the user that runs this process. */
export type OsAccount = { uid: number; gid: number } | undefined;

/** What one has to be allowed to do with the last part of a path. Everything before it has to be entered. */
export const ENTER = 1;
export const READ_AND_ENTER = 5;

/** `nobody`. */
export const NOBODY_UID = 65534;

/** Above all users that systems and directories hand out; a user namespace of a container seldom reaches that far. */
const OWN_USERS = { first: 0x7000_0000, count: 0x0fff_0000 };

/** Where a namespace ends at 65535: the range for users without an account (systemd's DynamicUser). */
const OWN_USERS_IN_CONTAINER = { first: 61_184, count: 4_336 };

/**
 * The account for the cluster in `files`, which need not exist yet.
 *
 * @param isRunning whether a postmaster works in these files
 */
export async function accountFor(files: string, isRunning: () => Promise<boolean>): Promise<OsAccount> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(files).catch(() => undefined);
  if (owner === undefined || owner.uid === 0) return ownAccount(files);
  const account = { uid: owner.uid, gid: owner.gid };
  if (owner.uid !== NOBODY_UID || (await isRunning())) return account;
  const own = await ownAccount(files);
  await giveTo(own, files);
  return own;
}

async function ownAccount(files: string): Promise<NonNullable<OsAccount>> {
  const { first, count } = (await isMapped(OWN_USERS.first + OWN_USERS.count))
    ? OWN_USERS
    : OWN_USERS_IN_CONTAINER;
  const hash = createHash('sha256').update(resolve(files)).digest().readUInt32BE();
  const id = first + (hash % count);
  return { uid: id, gid: id };
}

/** Whether this namespace has such a user; `chown` fails otherwise. */
async function isMapped(uid: number): Promise<boolean> {
  const map = await readFile('/proc/self/uid_map', 'utf8').catch(() => '');
  return map
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first = Number.NaN, , count = 0]) => first <= uid && uid < first + count);
}

/** From the leaves to the root: the root's owner says whether it is done, should the machine stop in the middle of it. */
export async function giveTo(account: NonNullable<OsAccount>, path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) await giveTo(account, inside);
    else await lchown(inside, account.uid, account.gid);
  }
  await lchown(path, account.uid, account.gid);
}

/** Judged by owner, group and mode alone, as the kernel does; access lists and mount options are not seen. */
export async function canReach(account: OsAccount, path: string, bits: number): Promise<boolean> {
  if (account === undefined) return true;
  const real = await realpath(path);
  if (!allows(account, await stat(real), bits)) return false;
  for (let at = dirname(real); ; at = dirname(at)) {
    if (!allows(account, await stat(at), ENTER)) return false;
    if (at === dirname(at)) return true;
  }
}

function allows(account: NonNullable<OsAccount>, entry: Stats, bits: number): boolean {
  const shift = entry.uid === account.uid ? 6 : entry.gid === account.gid ? 3 : 0;
  return ((entry.mode >> shift) & bits) === bits;
}

/** A directory that every account can pass through, whatever the umask is. One that exists is left as it is. */
export async function makeEnterable(dir: string): Promise<void> {
  const made = await mkdir(dir, { recursive: true });
  if (made !== undefined) await chmod(dir, 0o711);
}
