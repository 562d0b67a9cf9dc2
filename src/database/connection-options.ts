/**
 * Converts a database address to options of the driver. The driver gets one host and an open socket. This file chooses the
 * host, TLS and the time limit for both, as libpq does.
 */
import { Socket } from 'node:net';
import type postgres from 'postgres';
import { isSocket, socketFile } from './address.ts';
import { type ConnectionSettings, readConnectionSettings, type TargetSession } from './address-parameters.ts';
import { ConnectError, openSocket } from './open-socket.ts';

/** An option of postgres.js that its types do not declare. */
type SocketOption = { socket: () => Promise<Socket> };
type DriverOptions = postgres.Options<Record<string, never>>;

export type AddressOptions = Pick<
  DriverOptions,
  'host' | 'port' | 'ssl' | 'database' | 'username' | 'password'
> &
  Partial<Pick<DriverOptions, 'path' | 'prepare' | 'connection' | 'connect_timeout'>> &
  SocketOption & { require_auth?: 'scram-sha-256' };

/** The state of a session, read from a host when the address requires a certain state. */
export interface SessionState {
  readOnly: boolean;
  standby: boolean;
}

/** Logs in to one host, reads the session state, and disconnects. */
export type ReadState = (options: AddressOptions) => Promise<SessionState>;

/**
 * @param timeoutS for TCP and TLS, when the address sets none
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
    // The driver's errors name the path, if there is one.
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

/**
 * The driver never reuses a connection slot after this function rejects. So a failure is returned as a socket that fails
 * with the error, which counts as a failed attempt.
 */
async function openOrFail(...args: Parameters<typeof openAny>): Promise<Socket> {
  try {
    return await openAny(...args);
  } catch (error) {
    const failed = new Socket();
    setImmediate(() => failed.destroy(error instanceof Error ? error : new Error('No connection.')));
    return failed;
  }
}

/**
 * Opens the first host that accepts a connection and is in the required state.
 * @throws the error of the last host
 */
async function openAny(
  settings: ConnectionSettings,
  timeoutS: number | undefined,
  readState: ReadState,
): Promise<Socket> {
  // Only one of several hosts is writable. Without this check the driver could keep reconnecting to a standby.
  const targetSession = settings.targetSession ?? (settings.hosts.length > 1 ? 'read-write' : undefined);
  const hosts = settings.shuffleHosts ? shuffle(settings.hosts) : settings.hosts;
  let failure: unknown = new ConnectError('CONNECTION_CLOSED', 'The address names no host.');
  for (const wanted of targetSession === undefined ? [undefined] : rounds(targetSession)) {
    for (const host of hosts) {
      try {
        if (wanted !== undefined) await assertState({ ...settings, hosts: [host] }, wanted, readState);
        const socket = await openSocket(host, settings, timeoutS);
        // The driver's errors name the host and the port.
        return Object.assign(socket, { host: host.host, port: host.port });
      } catch (error) {
        failure = error;
      }
    }
  }
  throw failure;
}

/** For `prefer-standby`: first a standby, then any host. */
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
