/**
 * The meaning of each parameter of a database address.
 *
 * This program follows the parameters of libpq. It also follows the parameters of other programs (Prisma, SQLAlchemy, JDBC,
 * node-postgres, Rails) that hosting platforms put into their addresses, where they have a meaning here, and ignores the
 * rest with one warning. PostgreSQL rejects a parameter that it does not know, so none is passed on unchecked.
 */
import { AddressError, type DatabaseHost, parseAddress } from './address.ts';
import { readPasswordFile } from './password-file.ts';
import { readTlsSettings, TLS_PARAMETERS, type TlsSettings } from './tls-settings.ts';

export type TargetSession = 'read-write' | 'read-only' | 'primary' | 'standby' | 'prefer-standby';

export interface ConnectionSettings {
  hosts: readonly DatabaseHost[];
  /** Start with a random host instead of the first. */
  shuffleHosts: boolean;
  targetSession: TargetSession | undefined;
  database: string | undefined;
  user: string | undefined;
  password: string | undefined;
  tls: TlsSettings;
  connectTimeoutS: number | undefined;
  /** `false`: off; otherwise the idle seconds after which the operating system sends a keep-alive probe. */
  keepAliveS: number | false;
  /** Startup parameters of each session. */
  startup: Record<string, string>;
  /** False behind a pooler in transaction mode. */
  prepare: boolean;
  requireScram: boolean;
  /** One sentence each, for the log; each completes "DATABASE_URL: …" and contains no secret. */
  warnings: readonly string[];
}

interface Draft extends Omit<ConnectionSettings, 'warnings' | 'tls' | 'hosts'> {
  passwordFile: string | undefined;
  warnings: string[];
}

type Obey = (value: string, draft: Draft, name: string) => void;

const TARGETS: readonly string[] = ['read-write', 'read-only', 'primary', 'standby', 'prefer-standby'];
const DEFAULT_KEEP_ALIVE_S = 60;

const setStartup: Obey = (value, draft, name) => {
  draft.startup[name] = value;
};
const unprepare = (values: readonly string[]): Obey => {
  return (value, draft) => {
    if (values.includes(value.toLowerCase())) draft.prepare = false;
  };
};

const OBEYED: Record<string, Obey> = {
  application_name: setStartup,
  options: setStartup,
  // Not a libpq parameter, but version 0.1 passed it on.
  statement_timeout: setStartup,
  lock_timeout: setStartup,
  idle_in_transaction_session_timeout: setStartup,
  connect_timeout: (value, draft, name) => {
    const seconds = wholeSeconds(value, name);
    // As in libpq: 0 means no limit, and less than 2 s is too short for a handshake. Without a value our own limit applies.
    if (seconds > 0) draft.connectTimeoutS = Math.max(seconds, 2);
  },
  keepalives: (value, draft, name) => {
    if (oneOf(['0', '1'], value, name) === '0') draft.keepAliveS = false;
  },
  keepalives_idle: (value, draft, name) => {
    const seconds = wholeSeconds(value, name);
    if (draft.keepAliveS !== false && seconds > 0) draft.keepAliveS = seconds;
  },
  target_session_attrs: (value, draft, name) => {
    const target = oneOf(['any', ...TARGETS], value, name);
    draft.targetSession = isTarget(target) ? target : undefined;
  },
  load_balance_hosts: (value, draft, name) => {
    draft.shuffleHosts = oneOf(['disable', 'random'], value, name) === 'random';
  },
  passfile: (value, draft) => {
    draft.passwordFile = value;
  },
  require_auth: (value, draft) => {
    if (value === 'scram-sha-256') draft.requireScram = true;
    else ignore('require_auth', 'this server authenticates by SCRAM only', draft);
  },
  client_encoding: (value, draft) => {
    if (!/^(auto|utf-?8|unicode)$/i.test(value)) ignore('client_encoding', 'this server speaks UTF-8', draft);
  },
  channel_binding: (value, draft, name) => {
    if (oneOf(['disable', 'prefer', 'require'], value, name) !== 'require') return;
    ignore(name, 'the driver has none. sslmode=verify-full protects against the same attack', draft);
  },
  gssencmode: (value, _draft, name) => {
    if (oneOf(['disable', 'prefer', 'require'], value, name) !== 'require') return;
    throw new AddressError(
      'has gssencmode=require, which the driver cannot do: use TLS (sslmode=verify-full)',
    );
  },
  schema: (value, draft) => {
    if (value !== 'public') ignore('schema', 'the tables of this server are in the schema public', draft);
  },
  // Parameters of Prisma, SQLAlchemy, JDBC and Rails for a pooler in transaction mode.
  pgbouncer: unprepare(['true', '1', 'on', 'yes']),
  prepared_statements: unprepare(['false']),
  prepareThreshold: unprepare(['0']),
  statement_cache_size: unprepare(['0']),
  prepared_statement_cache_size: unprepare(['0']),
};

const POOL = 'set DATABASE_POOL_MAX';
const WAITS = 'this server has limits of its own for each wait';

/** Known parameters without a meaning here, each with the reason. */
const IGNORED: Record<string, string> = {
  connection_limit: POOL,
  pool_size: POOL,
  pool: POOL,
  max: POOL,
  max_connections: POOL,
  maximumPoolSize: POOL,
  pool_timeout: WAITS,
  socket_timeout: WAITS,
  socketTimeout: WAITS,
  loginTimeout: WAITS,
  connectTimeout: 'write connect_timeout',
  idle_timeout: WAITS,
  query_timeout: WAITS,
  tcp_user_timeout: WAITS,
  keepalives_interval: 'only keepalives_idle can be set',
  keepalives_count: 'only keepalives_idle can be set',
  currentSchema: 'the tables of this server are in the schema public',
  search_path: 'the tables of this server are in the schema public',
  replication: 'this server opens no replication connection',
};

/** Known parameters that are ignored without a warning, because ignoring them changes nothing for the operator. */
const WITHOUT_EFFECT = new Set([
  'fallback_application_name',
  'ApplicationName',
  'uselibpqcompat',
  'gsslib',
  'gssdelegation',
  'krbsrvname',
  'supa',
  'workaround',
]);

/** @throws AddressError */
export function readConnectionSettings(text: string): ConnectionSettings {
  const address = parseAddress(text);
  const draft: Draft = {
    ...address,
    shuffleHosts: false,
    targetSession: undefined,
    connectTimeoutS: undefined,
    keepAliveS: DEFAULT_KEEP_ALIVE_S,
    startup: {},
    prepare: true,
    requireScram: false,
    passwordFile: undefined,
    warnings: [],
  };
  for (const [name, value] of address.parameters) {
    if (!TLS_PARAMETERS.has(name)) readParameter(name, value, draft);
  }
  const { passwordFile, ...settings } = draft;
  return {
    ...settings,
    hosts: address.hosts,
    password: address.password ?? process.env.PGPASSWORD ?? readPasswordFile(passwordFile, address),
    tls: readTlsSettings(address, draft.warnings),
  };
}

function readParameter(name: string, value: string, draft: Draft): void {
  if (name === 'service' || name === 'servicefile') {
    throw new AddressError(
      `has the parameter ${name}, which is not supported: write the host and the user out`,
    );
  }
  const obey = Object.hasOwn(OBEYED, name) ? OBEYED[name] : undefined;
  if (value === '' || WITHOUT_EFFECT.has(name)) return;
  if (obey !== undefined) obey(value, draft, name);
  else if (Object.hasOwn(IGNORED, name)) ignore(name, IGNORED[name] ?? '', draft);
  else
    draft.warnings.push(
      `the parameter ${shownName(name)} is not known, and is ignored: correct or remove it`,
    );
}

function ignore(name: string, reason: string, draft: Draft): void {
  draft.warnings.push(`the parameter ${name} is ignored: ${reason}`);
}

/** A malformed address can contain a part of the password where a parameter name is expected. */
const shownName = (name: string): string => (/^[A-Za-z][\w.-]{0,40}$/.test(name) ? name : '(not a name)');

function wholeSeconds(value: string, name: string): number {
  if (/^-?\d{1,9}$/.test(value)) return Number(value);
  throw new AddressError(`has a ${name} that is not a whole number of seconds`);
}

function oneOf(words: readonly string[], value: string, name: string): string {
  if (words.includes(value)) return value;
  throw new AddressError(`has a ${name} that is not known: it may be ${words.join(', ')}`);
}

const isTarget = (word: string): word is TargetSession => TARGETS.includes(word);
