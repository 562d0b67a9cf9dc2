/**
 * A database address as options of the driver. The driver gets one host and an open socket; which host, TLS and the limit
 * for both are decided here, as libpq decides them.
 */
import { Socket } from 'node:net';
import type postgres from 'postgres';
import { isSocket, socketFile } from './address.ts';
import { type ConnectionSettings, readConnectionSettings, type TargetSession } from './address-parameters.ts';
import { ConnectError, openSocket } from './open-socket.ts';

/** What postgres.js also takes, and does not say so. */
type SocketOption = { socket: () => Promise<Socket> };
type DriverOptions = postgres.Options<Record<string, never>>;

export type AddressOptions = Pick<
  DriverOptions,
  'host' | 'port' | 'ssl' | 'database' | 'username' | 'password'
> &
  Partial<Pick<DriverOptions, 'path' | 'prepare' | 'connection' | 'connect_timeout'>> &
  SocketOption & { require_auth?: 'scram-sha-256' };

/** The state of a session, asked of a host when the address wants a certain one. */
export interface SessionState {
  readOnly: boolean;
  standby: boolean;
}

/** Logs in at one host, looks, and leaves. */
export type ReadState = (options: AddressOptions) => Promise<SessionState>;

/**
 * @param timeoutS for TCP and TLS, when the address does not say
 * @throws AddressError
 */
export function addressOptions(
  url: string,
  timeoutS: number | undefined,
  readState: ReadState,
): AddressOptions {
  return optionsOf(readConnectionSettings(url), timeoutS, readState);
}

function optionsOf(
  settings: ConnectionSettings,
  timeoutS: number | undefined,
  readState: ReadState,
): AddressOptions {
  const { database, user, password, prepare, startup, hosts } = settings;
  const [first] = hosts;
  return {
    host: first?.host ?? '',
    port: first?.port ?? 0,
    // Where there is a path, the driver's errors name it.
    ...(first !== undefined && isSocket(first) && { path: socketFile(first.host, first.port) }),
    ...(database !== undefined && { database }),
    ...(user !== undefined && { username: user }),
    ...(password !== undefined && { password }),
    ...(!prepare && { prepare }),
    ...(settings.requireScram && { require_auth: 'scram-sha-256' as const }),
    ...(settings.connectTimeoutS !== undefined && { connect_timeout: settings.connectTimeoutS }),
    ...(Object.keys(startup).length > 0 && { connection: startup }),
    ssl: false,
    socket: () => openOrFail(settings, timeoutS, readState),
  };
}

/** The driver loses a connection for ever when this rejects. A socket that ends with the error counts as a failed attempt. */
async function openOrFail(...args: Parameters<typeof openAny>): Promise<Socket> {
  try {
    return await openAny(...args);
  } catch (error) {
    const failed = new Socket();
    setImmediate(() => failed.destroy(error instanceof Error ? error : new Error('No connection.')));
    return failed;
  }
}

/** The first host that accepts a connection and is in the wanted state. @throws why the last host did not */
async function openAny(
  settings: ConnectionSettings,
  timeoutS: number | undefined,
  readState: ReadState,
): Promise<Socket> {
  // Of several hosts only one can be written to. A driver that is connected to another one would come back to it for ever.
  const targetSession = settings.targetSession ?? (settings.hosts.length > 1 ? 'read-write' : undefined);
  const hosts = settings.shuffleHosts ? shuffle(settings.hosts) : settings.hosts;
  let failure: unknown = new ConnectError('CONNECTION_CLOSED', 'The address names no host.');
  for (const wanted of targetSession === undefined ? [undefined] : rounds(targetSession)) {
    for (const host of hosts) {
      try {
        if (wanted !== undefined) await assertState({ ...settings, hosts: [host] }, wanted, readState);
        const socket = await openSocket(host, settings, timeoutS);
        // The driver's errors name them.
        return Object.assign(socket, { host: host.host, port: host.port });
      } catch (error) {
        failure = error;
      }
    }
  }
  throw failure;
}

/** A standby first; if there is none, any host. */
function rounds(target: TargetSession): (TargetSession | undefined)[] {
  return target === 'prefer-standby' ? ['standby', undefined] : [target];
}

async function assertState(
  settings: ConnectionSettings,
  wanted: TargetSession,
  readState: ReadState,
): Promise<void> {
  const state = await readState(optionsOf({ ...settings, targetSession: undefined }, undefined, readState));
  const fits: Record<TargetSession, boolean> = {
    'read-write': !state.readOnly,
    'read-only': state.readOnly,
    primary: !state.standby,
    standby: state.standby,
    'prefer-standby': true,
  };
  if (!fits[wanted]) {
    throw new ConnectError('CONNECT_WRONG_SESSION', `No host of the address is ${wanted}.`);
  }
}

function shuffle<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, order: Math.random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ value }) => value);
}
