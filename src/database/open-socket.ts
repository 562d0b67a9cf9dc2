/**
 * Opens the connection to one host of a database address: TCP or a Unix socket, with TLS as the address requires.
 *
 * The driver can do this too. But it does not verify names, has no limit for the TLS handshake, retries without end or pause
 * at an address that accepts and closes, and uses plain text when it should not.
 *
 * Not here: the choice of the host (connection-options.ts), authentication (the driver).
 */
import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { type ConnectionOptions, checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import { type DatabaseHost, isSocket, socketFile } from './address.ts';
import type { ConnectionSettings } from './address-parameters.ts';
import type { TlsSettings } from './tls-settings.ts';

/** The connection failed. The code is one of the driver, of this file or of Node. */
export class ConnectError extends Error {
  override readonly name = 'ConnectError';
  readonly code: string;
  constructor(code: ConnectErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export type ConnectErrorCode =
  | 'CONNECT_TIMEOUT'
  | 'CONNECT_WRONG_SESSION'
  | 'CONNECTION_CLOSED'
  | 'TLS_NOT_OFFERED'
  | 'NOT_POSTGRESQL';

/** The SSLRequest message: its length, 8, and the code 80877103. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const DEFAULT_TIMEOUT_S = 10;

/** @throws ConnectError, or an error of Node with its code */
export async function openSocket(
  host: DatabaseHost,
  settings: Pick<ConnectionSettings, 'tls' | 'connectTimeoutS' | 'keepAliveS'>,
  timeoutS = DEFAULT_TIMEOUT_S,
): Promise<Socket> {
  const limit = AbortSignal.timeout((settings.connectTimeoutS ?? timeoutS) * 1_000);
  const opened: Socket[] = [];
  try {
    const socket = await openWithin(host, settings, limit, opened);
    endWhenClosedEarly(socket);
    return socket;
  } catch (error) {
    for (const socket of opened) socket.destroy();
    if (limit.aborted) throw new ConnectError('CONNECT_TIMEOUT', 'There was no answer in time.');
    throw error;
  }
}

async function openWithin(
  host: DatabaseHost,
  settings: Pick<ConnectionSettings, 'tls' | 'keepAliveS'>,
  signal: AbortSignal,
  opened: Socket[],
): Promise<Socket> {
  const { tls } = settings;
  const plain = isSocket(host)
    ? connect({ path: socketFile(host.host, host.port) })
    : connect({ host: host.address ?? host.host, port: host.port });
  opened.push(plain);
  await once(plain, 'connect', { signal });
  if (isSocket(host)) return plain;
  if (settings.keepAliveS !== false) plain.setKeepAlive(true, settings.keepAliveS * 1_000);
  if (tls.mode === 'disable') return plain;
  if (!tls.direct && !(await offersTls(plain, signal))) {
    if (tls.mode === 'offered' || tls.mode === 'prefer') return plain;
    throw new ConnectError('TLS_NOT_OFFERED', 'The server offers no TLS.');
  }
  const secured = connectTls({ ...tlsOptions(host.host, tls), socket: plain });
  opened.push(secured);
  await once(secured, 'secureConnect', { signal });
  return secured;
}

/** Accepts exactly one byte: more would be text that an attacker injected before the encryption began. */
async function offersTls(socket: Socket, signal: AbortSignal): Promise<boolean> {
  const ended = once(socket, 'end', { signal }).then(() => {
    throw new ConnectError('CONNECTION_CLOSED', 'The connection was closed before PostgreSQL answered.');
  });
  socket.write(SSL_REQUEST);
  const [answer] = await Promise.race([once(socket, 'data', { signal }), ended]);
  ended.catch(() => {}); // The socket can end later without an error.
  const word = Buffer.isBuffer(answer) ? answer.toString('latin1') : '';
  if (word === 'S' || word === 'N') return word === 'S';
  throw new ConnectError('NOT_POSTGRESQL', 'The program at this address is not PostgreSQL.');
}

function tlsOptions(host: string, tls: TlsSettings): ConnectionOptions {
  const isVerifying = tls.mode !== 'prefer' && tls.mode !== 'require';
  return {
    ...(tls.sni && isIP(host) === 0 && { servername: host }),
    ...(tls.direct && { ALPNProtocols: ['postgresql'] }),
    ...(tls.ca !== undefined && { ca: tls.ca }),
    ...(tls.cert !== undefined && { cert: tls.cert }),
    ...(tls.key !== undefined && { key: tls.key }),
    ...(tls.passphrase !== undefined && { passphrase: tls.passphrase }),
    ...(tls.crl !== undefined && { crl: tls.crl }),
    ...(tls.minVersion !== undefined && { minVersion: tls.minVersion }),
    ...(tls.maxVersion !== undefined && { maxVersion: tls.maxVersion }),
    rejectUnauthorized: isVerifying,
    // Without SNI Node compares with "localhost".
    checkServerIdentity: (_name, certificate) =>
      tls.mode === 'verify-ca' ? undefined : checkServerIdentity(host, certificate),
  };
}

/**
 * A proxy without a backend accepts a connection and closes it. The driver treats that as a connection that was never made,
 * and reconnects at once for as long as a query waits. An error ends the query instead.
 */
function endWhenClosedEarly(socket: Socket): void {
  const onEnd = (): void => {
    socket.destroy(
      new ConnectError('CONNECTION_CLOSED', 'The connection was closed before PostgreSQL answered.'),
    );
  };
  socket.once('end', onEnd);
  socket.once('data', () => socket.off('end', onEnd));
}

export const isEncrypted = (socket: Socket): socket is TLSSocket =>
  'encrypted' in socket && socket.encrypted === true;
