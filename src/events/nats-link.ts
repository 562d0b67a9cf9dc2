/**
 * One connection to a NATS cluster, which reconnects until it succeeds, and the subjects that are subscribed on it.
 *
 * The client library moves an open connection to another server of the cluster and subscribes there again. It gives up when
 * no server answers the first time, so the retries of the first connection are here.
 *
 * After an error such as a subject that is not permitted the connection stays open, but the library has dropped that
 * subscription, and no server says when the right was granted. So a new connection replaces it after a while, and counts only when
 * the server has accepted everything.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  type ConnectionOptions,
  connect,
  errors,
  type NatsConnection,
  type Subscription,
} from '@nats-io/transport-node';
import { withTimeout } from '../timing/with-timeout.ts';
import { type NatsAddress, NatsCredentialsError } from './nats-address.ts';

export interface NatsLinkOptions {
  address: NatsAddress;
  onMessage: (subject: string) => void;
  /** Called after every (re)connection: messages before it may be lost. */
  onConnected: () => void;
  /** Called once when the connection is lost, or the first one fails; the reason is safe to log. */
  onAway: (reason: string) => void;
}

export interface NatsLink {
  readonly isConnected: boolean;
  /** Does nothing while the connection is away. */
  publish(subject: string): void;
  /** Kept across reconnections. */
  subscribe(subject: string): void;
  unsubscribe(subject: string): void;
  /** Resolves when the server has processed what was sent before. Rejects when the connection is lost. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

const CONNECT_LIMIT_MS = 3_000;
const RETRY_AFTER_MS = 1_000;
/** A right that is missing is granted by a person. */
const RETRY_AFTER_ERROR_MS = 5_000;
const RECONNECT_AFTER_MS = 200;
/** A server that vanished without a FIN is noticed after two pings. */
const PING_EVERY_MS = 5_000;

/**
 * Resolves after the first attempt. A cluster that is away does not stop a server: nudges take another path until it is back.
 *
 * @throws NatsCredentialsError when a server of the cluster rejects the credentials
 */
export async function openNatsLink(options: NatsLinkOptions): Promise<NatsLink> {
  const link = new Link(options);
  await link.open();
  return link;
}

class Link implements NatsLink {
  readonly #options: NatsLinkOptions;
  readonly #subscriptions = new Map<string, Subscription | undefined>();
  #connection: NatsConnection | undefined;
  #isUp = false;
  #losses = 0;
  /** What a server did not let this user publish. Kept, because the servers of a cluster may differ in what they permit. */
  readonly #deniedSubjects = new Set<string>();
  #isReportedAway = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #retrying: Promise<void> | undefined;

  constructor(options: NatsLinkOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#isUp;
  }

  async open(): Promise<void> {
    try {
      const confirmed = this.#use(await connect(connectionOptions(this.#options.address)));
      await withTimeout(CONNECT_LIMIT_MS, confirmed, () => {});
    } catch (error) {
      if (error instanceof errors.AuthorizationError) {
        throw new NatsCredentialsError({ cause: error });
      }
      this.#setAway(reasonOf(error));
      this.#retryLater(RETRY_AFTER_MS);
    }
  }

  publish(subject: string): void {
    if (this.#isUp) this.#connection?.publish(subject);
  }

  subscribe(subject: string): void {
    if (!this.#subscriptions.has(subject)) this.#subscriptions.set(subject, this.#begin(subject));
  }

  unsubscribe(subject: string): void {
    this.#subscriptions.get(subject)?.unsubscribe();
    this.#subscriptions.delete(subject);
  }

  async flush(): Promise<void> {
    await this.#connection?.flush();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#isUp = false;
    clearTimeout(this.#timer);
    await this.#retrying;
    await this.#connection?.close();
  }

  #begin(subject: string): Subscription | undefined {
    const callback = (error: Error | null, message: { subject: string }): void => {
      if (error === null) this.#options.onMessage(message.subject);
    };
    return this.#connection?.subscribe(subject, { callback });
  }

  #use(connection: NatsConnection): Promise<void> {
    this.#connection = connection;
    for (const subject of this.#subscriptions.keys()) this.#subscriptions.set(subject, this.#begin(subject));
    void this.#watch(connection);
    return this.#confirm(connection);
  }

  /** Resolves when the server has accepted or rejected all subscriptions. */
  async #confirm(connection: NatsConnection): Promise<void> {
    const before = this.#losses;
    try {
      // Nudges too many are harmless.
      for (const subject of this.#deniedSubjects) connection.publish(subject);
      await connection.flush();
    } catch {
      // The connection was lost, which its status tells.
      return;
    }
    // A rejection came before the answer; #watch has read it by then.
    await nextTurn();
    if (before === this.#losses) this.#setUp();
  }

  async #watch(connection: NatsConnection): Promise<void> {
    let retryAfterMs = RETRY_AFTER_MS;
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') this.#setAway('the connection was lost');
      if (status.type === 'reconnect') void this.#confirm(connection);
      if (status.type === 'error') {
        retryAfterMs = RETRY_AFTER_ERROR_MS;
        this.#dropAfter(status.error, connection);
      }
    }
    if (this.#closed) return;
    this.#connection = undefined;
    this.#setAway('the connection was closed');
    this.#retryLater(retryAfterMs);
  }

  #dropAfter(error: Error, connection: NatsConnection): void {
    this.#setAway(reasonOf(error));
    if (error instanceof errors.PermissionViolationError && error.operation === 'publish')
      this.#deniedSubjects.add(error.subject);
    // Now: on a connection that is being closed no subscription can begin.
    this.#connection = undefined;
    void connection.close();
  }

  #setUp(): void {
    if (this.#isUp || this.#closed) return;
    this.#isUp = true;
    this.#isReportedAway = false;
    this.#options.onConnected();
  }

  #setAway(reason: string): void {
    this.#isUp = false;
    this.#losses += 1;
    if (this.#isReportedAway || this.#closed) return;
    this.#isReportedAway = true;
    this.#options.onAway(reason);
  }

  #retryLater(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#retrying = this.#retry();
    }, ms);
    this.#timer.unref();
  }

  async #retry(): Promise<void> {
    try {
      const connection = await connect(connectionOptions(this.#options.address));
      if (this.#closed) await connection.close();
      else void this.#use(connection);
    } catch {
      if (!this.#closed) this.#retryLater(RETRY_AFTER_MS);
    }
  }
}

function connectionOptions({ servers, credentials, requiresTls }: NatsAddress): ConnectionOptions {
  return {
    servers: [...servers],
    name: 'patient-sync',
    ...credentials,
    ...(requiresTls && { tls: {} }),
    timeout: CONNECT_LIMIT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: RECONNECT_AFTER_MS,
    pingInterval: PING_EVERY_MS,
    maxPingOut: 2,
    // Subscribers of this process get its own nudges directly.
    noEcho: true,
    // A password that was changed in the wrong order is fixed in the NATS servers, without a restart here.
    ignoreAuthErrorAbort: true,
  };
}

/** The texts of the library name addresses, so only what kind of error it was is said. */
function reasonOf(error: unknown): string {
  if (error instanceof errors.AuthorizationError) return 'the credentials were rejected';
  if (error instanceof errors.PermissionViolationError) return 'a subject is not permitted';
  if (error instanceof errors.TimeoutError) return 'no answer in time';
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'no connection';
}
