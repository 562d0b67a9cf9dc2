/**
 * Parses the environment once. An invalid value stops the start with one line: which variable, its value, what is valid.
 */
import { z } from 'zod';
import { MAX_ROW_ID } from '#contract/sync-log.ts';
import { SEALING_KEY_BYTES } from '../encryption/sealer.ts';
import { type NatsAddress, parseNatsAddress } from '../events/nats-address.ts';
import { LOG_LEVELS, type LogLevel } from '../logging/logger.ts';
import { withoutSecrets } from '../logging/without-secrets.ts';
import type { MailConfig } from '../webhooks/send-email.ts';
import { type AccessConfig, readAccessConfig } from './access.ts';
import { readAddress } from './database.ts';
import { readMail } from './mail.ts';
import {
  ConfigError,
  type Environment,
  isSafeAddress,
  oneOf,
  type Read,
  type Rule,
  reader,
  text,
  wholeNumber,
} from './rules.ts';

export interface DatabaseConfig {
  /** Unset: the embedded database. */
  databaseUrl: string | undefined;
  /** A direct connection, when `databaseUrl` goes through a pooler. */
  listenDatabaseUrl: string | undefined;
  /** The address of the owner, used for migrations only; `databaseUrl` then logs in as a role that owns nothing. */
  migrateDatabaseUrl: string | undefined;
  /** A replica for long reads that need no newer rows than it has. */
  readDatabaseUrl: string | undefined;
  /** Roles that may read patients and syncs. */
  databaseReaders: readonly string[];
  /** Connections of the pool at most. */
  databasePoolMax: number;
  dataDir: string;
}

export interface Config extends DatabaseConfig, AccessConfig {
  logLevel: LogLevel;
  logFormat: 'pretty' | 'json';
  colour: boolean;
  /** One organization that is registered at each start. */
  clinic: { organizationId: number; apiKey: string } | undefined;
  cliniko: {
    /** With its `/v1`; unset: from the key's shard. */
    baseUrl: string | undefined;
    /** In the User-Agent of each request; undefined: a placeholder. */
    contactEmail: string | undefined;
    perPage: number;
    concurrency: number;
    requestsPerMinute: number;
  };
  /** Runs that this server works on concurrently; runs that wait for Cliniko do not count. */
  syncConcurrency: number;
  /** 32 bytes; unset: made once, when embedded. */
  credentialsKey: Buffer | undefined;
  /** The previous key: what it sealed is sealed again with the new key at the start. */
  previousCredentialsKey: Buffer | undefined;
  /** Nudges between servers go over NATS; unset: over NOTIFY. */
  nats: NatsAddress | undefined;
  auditRetentionDays: number;
  drainMs: number;
  eventRetentionDays: number;
  /** Missing patients are erased after so many days; undefined: never. */
  purgeMissingAfterDays: number | undefined;
  /** For development: webhooks may go to this machine, also over plain http. */
  webhooksMayLoopBack: boolean;
  webhookPorts: readonly number[];
  /** Sends notifications by email; undefined: none are sent. */
  mail: MailConfig | undefined;
  /** Traces are sent: the OpenTelemetry packages read the rest of their variables by themselves. */
  tracing: { serviceName: string } | undefined;
}

const LOG_LEVEL_FLAG = '--log-level=';

/** @param args command line, of which `--log-level=DEBUG` wins over `LOG_LEVEL` */
export function readConfig(environment: Environment, args: readonly string[], isTerminal: boolean): Config {
  const read = reader(environment);
  const unknown = args.find((arg) => !arg.startsWith(LOG_LEVEL_FLAG));
  if (unknown !== undefined)
    throw new ConfigError(
      `Unknown argument "${withoutSecrets(unknown)}". The server takes ${LOG_LEVEL_FLAG}LEVEL only; all else is set by the environment: see README.md.`,
    );
  const flag = args.at(-1)?.slice(LOG_LEVEL_FLAG.length);
  const config: Config = {
    ...readAccessConfig(read),
    ...readDatabaseConfig(environment),
    logLevel: reader({ LOG_LEVEL: flag ?? environment.LOG_LEVEL })('LOG_LEVEL', logLevel, 'info'),
    logFormat: read('LOG_FORMAT', oneOf(['pretty', 'json']), isTerminal ? 'pretty' : 'json'),
    // As https://no-color.org says, and as the commands do.
    colour: isTerminal && !environment.NO_COLOR && environment.TERM !== 'dumb',
    clinic: readClinic(read),
    cliniko: {
      baseUrl: read('CLINIKO_BASE_URL', clinikoUrl, undefined),
      contactEmail: read('CLINIKO_CONTACT_EMAIL', contactEmail, undefined),
      perPage: read('CLINIKO_PER_PAGE', wholeNumber(1, 100), 100),
      concurrency: read('CLINIKO_CONCURRENCY', wholeNumber(1, 16), 4),
      requestsPerMinute: read('CLINIKO_REQUESTS_PER_MINUTE', wholeNumber(1, 1_000_000), 200),
    },
    syncConcurrency: read('SYNC_CONCURRENCY', wholeNumber(1, 256), 16),
    credentialsKey: read('CREDENTIALS_KEY', sealingKey, undefined),
    previousCredentialsKey: read('CREDENTIALS_KEY_PREVIOUS', sealingKey, undefined),
    nats: read('NATS_URL', natsUrl, undefined),
    auditRetentionDays: read('AUDIT_RETENTION_DAYS', wholeNumber(30, 3_650), 365),
    drainMs: read('DRAIN_MS', wholeNumber(0, 60_000), 5_000),
    eventRetentionDays: read('EVENT_RETENTION_DAYS', wholeNumber(1, 3_650), 14),
    purgeMissingAfterDays: read('PURGE_MISSING_AFTER_DAYS', wholeNumber(1, 36_500), undefined),
    webhooksMayLoopBack: read('WEBHOOKS_ALLOW_LOOPBACK', oneOf(['true', 'false']), 'false') === 'true',
    webhookPorts: read('WEBHOOK_PORTS', ports, [80, 443]),
    mail: readMail(read),
    tracing: readTracing(read),
  };
  requireConsistency(config);
  return config;
}

/** What a command needs that only works on the database. @throws ConfigError */
export function readDatabaseConfig(environment: Environment): DatabaseConfig {
  const read = reader(environment);
  return {
    databaseUrl: readAddress(read, 'DATABASE_URL'),
    listenDatabaseUrl: readAddress(read, 'LISTEN_DATABASE_URL'),
    migrateDatabaseUrl: readAddress(read, 'MIGRATE_DATABASE_URL'),
    readDatabaseUrl: readAddress(read, 'READ_DATABASE_URL'),
    databaseReaders: read('DATABASE_READERS', roleNames, []),
    databasePoolMax: read('DATABASE_POOL_MAX', wholeNumber(3, 100), 10),
    dataDir: read('DATA_DIR', text(4096), '.data'),
  };
}

const roleNames: Rule<string[]> = {
  schema: z
    .string()
    .transform((list) => list.split(',').map((name) => name.trim()))
    .refine((names) => names.every((name) => /^.{1,63}$/.test(name) && name.toLowerCase() !== 'public')),
  mayBe: 'names of database roles with commas, such as analyst,reporting (PUBLIC is no role)',
};

const logLevel: Rule<LogLevel> = {
  schema: z.string().toLowerCase().pipe(z.enum(LOG_LEVELS)),
  mayBe: `one of ${LOG_LEVELS.join(', ')}, in any case`,
};

const clinikoUrl: Rule<string> = {
  schema: z.string().refine(isClinikoUrl),
  mayBe:
    'an https address with its /v1 and nothing behind it, such as https://api.au1.cliniko.com/v1 (plain http only for loopback)',
};

const natsUrl: Rule<NatsAddress> = {
  schema: z
    .string()
    .transform(parseNatsAddress)
    .refine((address) => address !== undefined),
  mayBe: 'the addresses of NATS servers with commas, such as nats://user:password@one:4222,nats://two:4222',
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

function isClinikoUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  return /\/v1\/?$/.test(url.pathname) && !/[?#@\s]/.test(value) && isSafeAddress(url);
}

/** The standard variables of OpenTelemetry. */
function readTracing(read: Read): Config['tracing'] {
  const everything = read('OTEL_EXPORTER_OTLP_ENDPOINT', collectorUrl, undefined);
  const traces = read('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', collectorUrl, undefined);
  const off = read('OTEL_SDK_DISABLED', oneOf(['true', 'false']), 'false') === 'true';
  const serviceName = read('OTEL_SERVICE_NAME', text(255), 'patient-sync');
  return off || (everything ?? traces) === undefined ? undefined : { serviceName };
}

function readClinic(read: Read): Config['clinic'] {
  const organizationId = read('CLINIKO_ORGANIZATION_ID', wholeNumber(1, MAX_ROW_ID), undefined);
  const key = read('CLINIKO_API_KEY', apiKey, undefined);
  if (organizationId === undefined && key === undefined) return undefined;
  if (organizationId === undefined || key === undefined) {
    const missing = key === undefined ? 'CLINIKO_API_KEY' : 'CLINIKO_ORGANIZATION_ID';
    throw new ConfigError(
      `${missing} must be set too: CLINIKO_ORGANIZATION_ID and CLINIKO_API_KEY go together.`,
    );
  }
  return { organizationId, apiKey: key };
}

function requireConsistency(config: Config): void {
  if (config.databaseUrl !== undefined && config.credentialsKey === undefined) {
    throw new ConfigError(
      'CREDENTIALS_KEY must be set with DATABASE_URL: 32 bytes in base64, as `openssl rand -base64 32` makes them.',
    );
  }
}
