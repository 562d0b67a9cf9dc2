/**
 * The environment, parsed once. A bad value stops the start with one line: which variable, what it was, what it may be.
 */
import { z } from 'zod';
import { JWT_ALGORITHMS, type JwtConfig } from './access/identity-provider.ts';
import type { LimitConfig } from './access/limits.ts';
import { isLoopbackAddress } from './access/same-place.ts';
import { STREAM_TOKEN_SECONDS } from './contract/access.ts';
import { LOG_LEVELS, type LogLevel } from './logging/logger.ts';
import { SEALING_KEY_BYTES } from './organizations/sealing.ts';

export interface DatabaseConfig {
  /** Unset: the embedded database. */
  databaseUrl: string | undefined;
  /** A direct connection, when `databaseUrl` goes through a pooler. */
  listenDatabaseUrl: string | undefined;
  dataDir: string;
}

export interface Config extends DatabaseConfig {
  port: number;
  host: string;
  logLevel: LogLevel;
  logFormat: 'pretty' | 'json';
  colour: boolean;
  /** One clinic that is registered anew at each start. */
  clinic: { organizationId: number; apiKey: string } | undefined;
  cliniko: {
    /** With its `/v1`; unset: from the key's shard. */
    baseUrl: string | undefined;
    contactEmail: string;
    perPage: number;
    concurrency: number;
    requestsPerMinute: number;
  };
  /** Runs that this server works on side by side; those that wait for Cliniko do not count. */
  syncConcurrency: number;
  /** 32 bytes; unset: made once, when embedded. */
  credentialsKey: Buffer | undefined;
  /** The key before it: what it sealed is sealed anew at the start. */
  previousCredentialsKey: Buffer | undefined;
  /** `none`: whoever reaches this machine's loopback; `tokens`: who shows one. */
  auth: 'none' | 'tokens';
  /** An identity provider whose JWTs are taken too. */
  jwt: JwtConfig | undefined;
  streamTokenSeconds: number;
  limits: LimitConfig & {
    /** TCP connections at once, whatever they say. */
    connections: number;
  };
  auditRetentionDays: number;
  allowedOrigins: readonly string[];
  drainMs: number;
  eventRetentionDays: number;
  /** Patients whom Cliniko has not had for so many days are erased; undefined: never. */
  purgeMissingAfterDays: number | undefined;
  /** For development: webhooks may go to this machine, also over plain http. */
  webhooksMayLoopBack: boolean;
  webhookPorts: readonly number[];
  /** Traces are sent: the OpenTelemetry packages read the rest of their variables by themselves. */
  tracing: { serviceName: string } | undefined;
}

/** The start cannot go on. The message is one line for whoever set the environment. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const LOG_LEVEL_FLAG = '--log-level=';

type Environment = Record<string, string | undefined>;

/** @param args command line, of which `--log-level=DEBUG` wins over `LOG_LEVEL` */
export function readConfig(environment: Environment, args: readonly string[], isTerminal: boolean): Config {
  const read = reader(environment);
  const unknown = args.find((arg) => !arg.startsWith(LOG_LEVEL_FLAG));
  if (unknown !== undefined)
    throw new ConfigError(
      `Unknown argument "${unknown}". The server takes ${LOG_LEVEL_FLAG}LEVEL only; all else is set by the environment: see README.md.`,
    );
  const flag = args.at(-1)?.slice(LOG_LEVEL_FLAG.length);
  const config: Config = {
    port: read('PORT', wholeNumber(0, 65_535), 8000),
    host: read('HOST', text(255), '127.0.0.1'),
    ...readDatabaseConfig(environment),
    logLevel: reader({ LOG_LEVEL: flag ?? environment.LOG_LEVEL })('LOG_LEVEL', logLevel, 'info'),
    logFormat: read('LOG_FORMAT', oneOf(['pretty', 'json']), isTerminal ? 'pretty' : 'json'),
    colour: isTerminal,
    clinic: readClinic(read, environment),
    cliniko: {
      baseUrl: read('CLINIKO_BASE_URL', clinikoUrl, undefined),
      contactEmail: read('CLINIKO_CONTACT_EMAIL', contactEmail, 'patient-sync@localhost.invalid'),
      perPage: read('CLINIKO_PER_PAGE', wholeNumber(1, 100), 100),
      concurrency: read('CLINIKO_CONCURRENCY', wholeNumber(1, 16), 4),
      requestsPerMinute: read('CLINIKO_REQUESTS_PER_MINUTE', wholeNumber(1, 1_000_000), 200),
    },
    syncConcurrency: read('SYNC_CONCURRENCY', wholeNumber(1, 256), 16),
    credentialsKey: read('CREDENTIALS_KEY', sealingKey, undefined),
    previousCredentialsKey: read('CREDENTIALS_KEY_PREVIOUS', sealingKey, undefined),
    auth: read('AUTH', oneOf(['none', 'tokens']), 'none'),
    jwt: readJwt(read, environment),
    streamTokenSeconds: read(
      'STREAM_TOKEN_SECONDS',
      wholeNumber(5, STREAM_TOKEN_SECONDS),
      STREAM_TOKEN_SECONDS,
    ),
    limits: {
      requestsPerToken: read('LIMIT_REQUESTS_PER_TOKEN', wholeNumber(1, 10_000_000), 12_000),
      requestsPerOrganization: read('LIMIT_REQUESTS_PER_ORGANIZATION', wholeNumber(1, 10_000_000), 12_000),
      streamsPerToken: read('LIMIT_STREAMS_PER_TOKEN', wholeNumber(1, 1_000_000), 5_000),
      streamsPerOrganization: read('LIMIT_STREAMS_PER_ORGANIZATION', wholeNumber(1, 1_000_000), 5_000),
      streams: read('LIMIT_STREAMS', wholeNumber(1, 1_000_000), 20_000),
      connections: read('LIMIT_CONNECTIONS', wholeNumber(1, 1_000_000), 25_000),
    },
    auditRetentionDays: read('AUDIT_RETENTION_DAYS', wholeNumber(30, 3_650), 365),
    allowedOrigins: read('ALLOWED_ORIGINS', origins, []),
    drainMs: read('DRAIN_MS', wholeNumber(0, 60_000), 5_000),
    eventRetentionDays: read('EVENT_RETENTION_DAYS', wholeNumber(1, 3_650), 14),
    purgeMissingAfterDays: read('PURGE_MISSING_AFTER_DAYS', wholeNumber(1, 36_500), undefined),
    webhooksMayLoopBack: read('WEBHOOKS_ALLOW_LOOPBACK', oneOf(['true', 'false']), 'false') === 'true',
    webhookPorts: read('WEBHOOK_PORTS', ports, [80, 443]),
    tracing: readTracing(read),
  };
  requireConsistency(config);
  return config;
}

/** What a command needs that only works on the database. @throws ConfigError */
export function readDatabaseConfig(environment: Environment): DatabaseConfig {
  const read = reader(environment);
  return {
    databaseUrl: read('DATABASE_URL', databaseUrl, undefined),
    listenDatabaseUrl: read('LISTEN_DATABASE_URL', databaseUrl, undefined),
    dataDir: read('DATA_DIR', text(4096), '.data'),
  };
}

interface Rule<T> {
  schema: z.ZodType<T>;
  /** Completes "… must be". */
  mayBe: string;
}

type Read = <T, D>(name: string, rule: Rule<T>, fallback: D) => T | D;

/** Empty counts as unset: that is how compose files leave a variable out. */
function reader(environment: Environment): Read {
  return (name, rule, fallback) => {
    const value = environment[name];
    if (value === undefined || value === '') return fallback;
    const result = rule.schema.safeParse(value);
    if (result.success) return result.data;
    // A key or a password must not end up in a log.
    const shown = SECRETS.has(name) ? 'something else' : JSON.stringify(value.slice(0, 100));
    throw new ConfigError(`${name} must be ${rule.mayBe}; it was ${shown}.`);
  };
}

const SECRETS = new Set([
  'CREDENTIALS_KEY',
  'CREDENTIALS_KEY_PREVIOUS',
  'CLINIKO_API_KEY',
  'DATABASE_URL',
  'LISTEN_DATABASE_URL',
]);

const wholeNumber = (min: number, max: number): Rule<number> => ({
  schema: z
    .string()
    .regex(/^[0-9]{1,10}$/)
    .transform(Number)
    .refine((number) => number >= min && number <= max),
  mayBe: `a whole number from ${min} to ${max}`,
});

const text = (max: number): Rule<string> => ({
  schema: z.string().min(1).max(max),
  mayBe: `a text of at most ${max} characters`,
});

function oneOf<const T extends readonly [string, ...string[]]>(words: T): Rule<T[number]> {
  return { schema: z.enum(words), mayBe: words.join(' or ') };
}

const logLevel: Rule<LogLevel> = {
  schema: z.string().toLowerCase().pipe(z.enum(LOG_LEVELS)),
  mayBe: `one of ${LOG_LEVELS.join(', ')}, in any case`,
};

const databaseUrl: Rule<string> = {
  schema: z.string().regex(/^postgres(ql)?:\/\/\S+$/),
  mayBe: 'an address like postgres://user:password@host:5432/database',
};

const clinikoUrl: Rule<string> = {
  schema: z.string().refine(isClinikoUrl),
  mayBe:
    'an https address with its /v1, such as https://api.au1.cliniko.com/v1 (plain http only for loopback)',
};

const collectorUrl: Rule<string> = {
  schema: z.url({ protocol: /^https?$/ }),
  mayBe: 'the address of a collector, such as http://localhost:4318',
};

const contactEmail: Rule<string> = { schema: z.email(), mayBe: 'an email address' };

const apiKey: Rule<string> = {
  schema: z.string().regex(/^[\x21-\x7e]{1,512}$/),
  mayBe: 'a Cliniko API key: one word of printable characters',
};

const sealingKey: Rule<Buffer> = {
  schema: z
    .base64()
    .transform((value) => Buffer.from(value, 'base64'))
    .refine((key) => key.length === SEALING_KEY_BYTES),
  mayBe: '32 bytes in base64, as `openssl rand -base64 32` makes them',
};

const origins: Rule<string[]> = {
  schema: z
    .string()
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .refine((list) => list.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)),
  mayBe: 'origins with commas, such as https://admin.example.com',
};

const ports: Rule<number[]> = {
  schema: z
    .string()
    .transform((list) => list.split(',').map((port) => port.trim()))
    .pipe(
      z
        .array(
          z
            .string()
            .regex(/^[1-9][0-9]{0,4}$/)
            .transform(Number)
            .pipe(z.int().max(65_535)),
        )
        .min(1),
    ),
  mayBe: 'ports from 1 to 65535 with commas, such as 80,443',
};

const jwksUrl: Rule<string> = {
  schema: z.string().refine((value) => URL.canParse(value) && isSafeAddress(new URL(value))),
  mayBe: 'the https address of a JWKS (plain http only for loopback)',
};

const algorithms: Rule<string[]> = {
  schema: z
    .string()
    .transform((list) => list.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(JWT_ALGORITHMS))),
  mayBe: `a list of ${JWT_ALGORITHMS.join(', ')}`,
};

function isSafeAddress({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopbackAddress(hostname));
}

function isClinikoUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return /\/v1\/?$/.test(url.pathname) && isSafeAddress(url);
}

/** The standard variables of OpenTelemetry. */
function readTracing(read: Read): Config['tracing'] {
  const everything = read('OTEL_EXPORTER_OTLP_ENDPOINT', collectorUrl, undefined);
  const traces = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', collectorUrl, undefined);
  const off = read('OTEL_SDK_DISABLED', oneOf(['true', 'false']), 'false') === 'true';
  const serviceName = read('OTEL_SERVICE_NAME', text(255), 'patient-sync');
  return off || (everything ?? traces) === undefined ? undefined : { serviceName };
}

function readClinic(read: Read, environment: Environment): Config['clinic'] {
  const organizationId = read('CLINIKO_ORGANIZATION_ID', wholeNumber(1, 2_147_483_647), undefined);
  const key = read('CLINIKO_API_KEY', apiKey, undefined);
  if (organizationId === undefined && key === undefined) return undefined;
  if (organizationId === undefined || key === undefined) {
    const missing = environment.CLINIKO_API_KEY ? 'CLINIKO_ORGANIZATION_ID' : 'CLINIKO_API_KEY';
    throw new ConfigError(
      `${missing} must be set too: CLINIKO_ORGANIZATION_ID and CLINIKO_API_KEY go together.`,
    );
  }
  return { organizationId, apiKey: key };
}

const JWT_VARIABLES = ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_JWKS_URL'] as const;

function readJwt(read: Read, environment: Environment): JwtConfig | undefined {
  const issuer = read('JWT_ISSUER', text(2_048), undefined);
  const audience = read('JWT_AUDIENCE', text(2_048), undefined);
  const address = read('JWT_JWKS_URL', jwksUrl, undefined);
  const settings = {
    algorithms: read('JWT_ALGORITHMS', algorithms, ['RS256', 'PS256', 'ES256', 'EdDSA']),
    organizationsClaim: read('JWT_ORGANIZATIONS_CLAIM', text(200), 'patient_sync_organizations'),
    scopeClaim: read('JWT_SCOPE_CLAIM', text(200), 'patient_sync_scope'),
  };
  const missing = JWT_VARIABLES.filter((name) => !environment[name]);
  if (missing.length === JWT_VARIABLES.length) return undefined;
  if (issuer === undefined || audience === undefined || address === undefined) {
    throw new ConfigError(`${missing[0]} must be set too: ${JWT_VARIABLES.join(', ')} go together.`);
  }
  return { issuer, audience, jwksUrl: address, ...settings };
}

function requireConsistency(config: Config): void {
  if (config.auth === 'none' && !isLoopbackAddress(config.host)) {
    throw new ConfigError(
      `HOST must be a loopback address (127.0.0.1, localhost or ::1) while AUTH is none; it was "${config.host}".`,
    );
  }
  if (config.databaseUrl !== undefined && config.credentialsKey === undefined) {
    throw new ConfigError(
      'CREDENTIALS_KEY must be set with DATABASE_URL: 32 bytes in base64, as `openssl rand -base64 32` makes them.',
    );
  }
}
