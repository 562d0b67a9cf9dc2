/**
 * The user that PostgreSQL runs as, and the paths that this user can reach.
 *
 * PostgreSQL refuses to run as root. Started by root, it runs as a user of its own: a number derived from the data
 * directory, without an account. With a shared user such as 65534 (`nobody`), every other program of that user could read
 * and change the cluster. A cluster keeps its owner, except that one of 65534, created by an older version, is given to its
 * own user while it is not running. Started by another user, PostgreSQL runs as that user, and can reach its paths.
 *
 * Not here: what happens when a path is unreachable (binaries.ts, data-directory.ts).
 */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, lchown, mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

/** `undefined`: the user that runs this process. */
export type OsAccount = { uid: number; gid: number } | undefined;

/** The permissions needed on the last part of a path. All parts before it need the permission to enter. */
export const ENTER = 1;
export const READ_AND_ENTER = 5;

/** The shared user `nobody`. */
export const NOBODY_UID = 65534;

/** Above all user ids that systems and directories assign; the user namespace of a container rarely reaches it. */
const OWN_USERS = { first: 0x7000_0000, count: 0x0fff_0000 };

/** For a namespace that ends at 65535: the range for users without an account (DynamicUser of systemd). */
const OWN_USERS_IN_CONTAINER = { first: 61_184, count: 4_336 };

/**
 * The account for the cluster in `files`, which need not exist yet.
 * @param isRunning whether a postmaster runs on these files
 */
export async function accountFor(files: string, isRunning: () => Promise<boolean>): Promise<OsAccount> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(files).catch(() => undefined);
  if (owner === undefined || owner.uid === 0) return ownAccount(files);
  const account = { uid: owner.uid, gid: owner.gid };
  if (owner.uid !== NOBODY_UID || (await isRunning())) return account;
  const own = await ownAccount(files);
  await changeOwner(own, files);
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

/** Whether this namespace has such a user; if not, `chown` fails. */
async function isMapped(uid: number): Promise<boolean> {
  const map = await readFile('/proc/self/uid_map', 'utf8').catch(() => '');
  return map
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .some(([first = Number.NaN, , count = 0]) => first <= uid && uid < first + count);
}

/**
 * Changes the owner from the leaves up to the root: the owner of the root shows whether all is done, even if the machine
 * stops half-way.
 */
export async function changeOwner(account: NonNullable<OsAccount>, path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inside = join(path, entry.name);
    if (entry.isDirectory()) await changeOwner(account, inside);
    else await lchown(inside, account.uid, account.gid);
  }
  await lchown(path, account.uid, account.gid);
}

/** Checks owner, group and mode, as the kernel does, but not access lists and mount options. */
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

/** Creates a directory that every account can enter, whatever the umask is. An existing one is not changed. */
export async function makeEnterable(dir: string): Promise<void> {
  const made = await mkdir(dir, { recursive: true });
  if (made !== undefined) await chmod(dir, 0o711);
}
