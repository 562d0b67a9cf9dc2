import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readConfig } from '../../src/config/config.ts';
import { ConfigError } from '../../src/config/rules.ts';
import { newFolder } from '../support/new-folder.ts';

const ADMIN = 'a'.repeat(32);
const KEY = Buffer.alloc(32, 9).toString('base64');
const read = (environment: Record<string, string>, args: string[] = []) =>
  readConfig(environment, args, false);

describe('an empty environment', () => {
  test('gives the documented defaults', () => {
    expect(read({})).toMatchObject({
      port: 8000,
      host: '127.0.0.1',
      databaseUrl: undefined,
      dataDir: '.data',
      logLevel: 'info',
      logFormat: 'json',
      clinic: undefined,
      cliniko: { baseUrl: undefined, perPage: 100, concurrency: 4, requestsPerMinute: 200 },
      allowedOrigins: [],
      drainMs: 5_000,
      eventRetentionDays: 14,
    });
    expect(readConfig({}, [], true)).toMatchObject({ logFormat: 'pretty', colour: true });
    for (const environment of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      expect(readConfig(environment, [], true)).toMatchObject({ logFormat: 'pretty', colour: false });
    }
    expect(read({ PORT: '', HOST: '' })).toMatchObject({ port: 8000, host: '127.0.0.1' });
  });
});

describe('a good value', () => {
  test.for([
    [{ PORT: '0' }, { port: 0 }],
    [
      {
        SMTP_URL: 'smtp://sync%40example.com:p%2Fw@mail.example.com',
        SMTP_FROM: 'Patient Sync <sync@example.com>',
      },
      {
        mail: {
          host: 'mail.example.com',
          port: 587,
          isSecure: false,
          requiresTls: true,
          auth: { user: 'sync@example.com', pass: 'p/w' },
          from: { name: 'Patient Sync', address: 'sync@example.com' },
        },
      },
    ],
    [
      { SMTP_URL: 'smtps://[::1]', SMTP_FROM: 'sync@example.com' },
      { mail: { host: '::1', port: 465, isSecure: true, requiresTls: false, from: { name: '' } } },
    ],
    [{ PUBLIC_URL: 'https://sync.example.com/sync/' }, { publicUrl: 'https://sync.example.com/sync' }],
    [
      { PUBLIC_URL: 'https://sync.example.com/sync/', BASE_PATH: '/sync' },
      { publicUrl: 'https://sync.example.com/sync', basePath: '/sync' },
    ],
    [{ PORT: '65535' }, { port: 65_535 }],
    [{ HOST: '::1' }, { host: '::1' }],
    [{ HOST: '[::1]' }, { host: '::1' }],
    [{ LOG_LEVEL: 'Trace' }, { logLevel: 'trace' }],
    [{ CLINIKO_BASE_URL: 'http://127.0.0.1:4000/v1' }, { cliniko: { baseUrl: 'http://127.0.0.1:4000/v1' } }],
    [{ CLINIKO_REQUESTS_PER_MINUTE: '1000000' }, { cliniko: { requestsPerMinute: 1_000_000 } }],
    [
      { ALLOWED_ORIGINS: 'https://a.example, http://b.example:81' },
      { allowedOrigins: ['https://a.example', 'http://b.example:81'] },
    ],
    [
      { CLINIKO_ORGANIZATION_ID: '123', CLINIKO_API_KEY: 'k-au1' },
      { clinic: { organizationId: 123, apiKey: 'k-au1' } },
    ],
    [
      { AUTH: 'tokens', HOST: '0.0.0.0' },
      { auth: 'tokens', host: '0.0.0.0' },
    ],
    [
      { JWT_ISSUER: 'https://id.example', JWT_AUDIENCE: 'us', JWT_JWKS_URL: 'https://id.example/keys' },
      { jwt: { issuer: 'https://id.example', audience: 'us', scopeClaim: 'patient_sync_scope' } },
    ],
    [
      { NATS_URL: 'nats://one' },
      { nats: { servers: ['one:4222'], credentials: undefined, requiresTls: false } },
    ],
    [
      { NATS_URL: 'tls://u:p%40@one:4223, tls://two' },
      {
        nats: {
          servers: ['one:4223', 'two:4222'],
          credentials: { user: 'u', pass: 'p@' },
          requiresTls: true,
        },
      },
    ],
    [{ NATS_URL: 'nats://u:100%@one' }, { nats: { credentials: { user: 'u', pass: '100%' } } }],
    [
      { NATS_URL: 'nats://t0ken@[::1]:1' },
      { nats: { servers: ['[::1]:1'], credentials: { token: 't0ken' } } },
    ],
    [{ DATABASE_URL: 'postgres://u:p@h/d', CREDENTIALS_KEY: KEY }, { databaseUrl: 'postgres://u:p@h/d' }],
    [{ BOOTSTRAP_ADMIN_TOKEN: ADMIN }, { auth: 'tokens', host: '127.0.0.1', bootstrapAdminToken: ADMIN }],
    [
      { BOOTSTRAP_ADMIN_TOKEN: ADMIN, PORT: '8080' },
      { auth: 'tokens', host: '0.0.0.0', port: 8080 },
    ],
    [
      { AUTH: 'tokens', PORT: '8080' },
      { host: '0.0.0.0', port: 8080 },
    ],
    [{ AUTH: 'tokens', PORT: '8080', HOST: '::1' }, { host: '::1' }],
    [{ PORT: '8080' }, { auth: 'none', host: '127.0.0.1' }],
    [{ KEEP_ALIVE_MS: '20000' }, { keepAliveMs: 20_000 }],
    [
      { SMTP_URL: 'smtp://u:p@localhost', SMTP_FROM: 'a@b.example' },
      { mail: { requiresTls: false, auth: { user: 'u', pass: 'p' } } },
    ],
    [{ DATABASE_READERS: 'analyst, public_reports' }, { databaseReaders: ['analyst', 'public_reports'] }],
    [
      {
        CREDENTIALS_KEY: KEY,
        DATABASE_CA: '/other.pem',
        PGSSLMODE: 'require',
        DATABASE_URL: 'postgres://u:p@h/d?sslrootcert=system&sslmode=verify-full',
      },
      { databaseUrl: 'postgres://u:p@h/d?sslrootcert=system&sslmode=verify-full' },
    ],
    [{ LIMIT_CONNECTIONS: '101' }, { limits: { connections: 101, connectionsPerAddress: 51 } }],
    [{ LIMIT_CONNECTIONS_PER_ADDRESS: '7' }, { limits: { connectionsPerAddress: 7 } }],
  ] as const)('%j is taken', ([environment, expected]) => {
    expect(read(environment)).toMatchObject(expected);
  });

  test('of the command line wins, in any case', () => {
    expect(read({ LOG_LEVEL: 'warn' }, ['--log-level=DEBUG'])).toMatchObject({ logLevel: 'debug' });
  });
});

describe('a bad value', () => {
  test.for([
    [{ DATABASE_READERS: 'analyst,Public' }, /^DATABASE_READERS must be names of database roles/],
    [{ PUBLIC_URL: 'sync.example.com' }, /^PUBLIC_URL must be the address at which people open the pages/],
    [{ PUBLIC_URL: 'https://sync.example.com/?org=1' }, /^PUBLIC_URL must be/],
    [
      { PUBLIC_URL: 'https://sync.example.com', BASE_PATH: '/sync' },
      /^PUBLIC_URL must end with BASE_PATH, which is "\/sync", .*; it was "https:\/\/sync\.example\.com"\.$/,
    ],
    [{ SMTP_URL: 'smtp://u:secret@mail' }, 'SMTP_FROM must be set too: SMTP_URL and SMTP_FROM go together.'],
    [{ SMTP_FROM: 'sync@example.com' }, /^SMTP_URL must be set too/],
    [
      { SMTP_URL: 'https://u:secret@mail', SMTP_FROM: 'a@b.example' },
      /^SMTP_URL must be the address .* it was something else\.$/,
    ],
    [
      { SMTP_URL: 'smtp://u:secret@mail/?pool=true', SMTP_FROM: 'a@b.example' },
      /^SMTP_URL must be (?!.*secret)/,
    ],
    [{ SMTP_URL: 'smtp://u:%zz@mail', SMTP_FROM: 'a@b.example' }, /^SMTP_URL must be (?!.*zz)/],
    [{ SMTP_URL: 'smtp://mail', SMTP_FROM: 'no address' }, /^SMTP_FROM must be an email address/],
    [{ SMTP_URL: 'smtp://mail', SMTP_FROM: 'A <a@b.example>, c@d.example' }, /^SMTP_FROM must be/],
    [{ SMTP_URL_FILE: '/nowhere/smtp', SMTP_FROM: 'a@b.example' }, /^SMTP_URL_FILE must be .*ENOENT/],
    [{ PORT: '65536' }, 'PORT must be a whole number from 0 to 65535; it was "65536".'],
    [{ PORT: '8000a' }, 'PORT must be a whole number from 0 to 65535; it was "8000a".'],
    [{ CLINIKO_PER_PAGE: '0' }, 'CLINIKO_PER_PAGE must be a whole number from 1 to 100; it was "0".'],
    [{ CLINIKO_CONCURRENCY: '17' }, 'CLINIKO_CONCURRENCY must be a whole number from 1 to 16; it was "17".'],
    [{ DRAIN_MS: '60001' }, 'DRAIN_MS must be a whole number from 0 to 60000; it was "60001".'],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL must be one of trace, .* it was "loud"\.$/],
    [{ LOG_FORMAT: 'xml' }, 'LOG_FORMAT must be pretty or json; it was "xml".'],
    [{ HOST: '0.0.0.0' }, /^HOST must be a loopback address .* it was "0\.0\.0\.0"\.$/],
    [{ AUTH: 'maybe' }, 'AUTH must be none or tokens; it was "maybe".'],
    [{ JWT_ISSUER: 'https://id.example' }, /^JWT_AUDIENCE must be set too/],
    [{ OIDC_ISSUER: 'https://id.example' }, /^OIDC_CLIENT_ID must be set too/],
    [{ OIDC_ISSUER: 'http://id.example' }, /^OIDC_ISSUER must be the https address/],
    [{ OIDC_ISSUER: 'https://id.example', OIDC_CLIENT_ID: 'us' }, /^AUTH must be tokens while OIDC_ISSUER/],
    [{ JWT_JWKS_URL: 'http://id.example/keys' }, /^JWT_JWKS_URL must be the https address of a JWKS/],
    [{ JWT_ALGORITHMS: 'RS256,none' }, /^JWT_ALGORITHMS must be a list of RS256/],
    [{ JWT_ALGORITHMS: 'HS256' }, /^JWT_ALGORITHMS must be a list of RS256/],
    [{ STREAM_TOKEN_SECONDS: '601' }, /^STREAM_TOKEN_SECONDS must be a whole number from 5 to 600/],
    [
      { CLINIKO_BASE_URL: 'http://api.cliniko.com/v1' },
      /^CLINIKO_BASE_URL must be an https address with its \/v1/,
    ],
    [{ CLINIKO_BASE_URL: 'https://api.au1.cliniko.com' }, /^CLINIKO_BASE_URL must be/],
    [{ CLINIKO_BASE_URL: 'https://user@api.au1.cliniko.com/v1' }, /^CLINIKO_BASE_URL must be/],
    [
      { CLINIKO_BASE_URL: 'https://api.au1.cliniko.com/v1?x=/v1' },
      /^CLINIKO_BASE_URL must be .* nothing behind/,
    ],
    [{ CLINIKO_BASE_URL: 'https://api.au1.cliniko.com/v1#v1' }, /^CLINIKO_BASE_URL must be/],
    [{ CLINIKO_BASE_URL: 'https://api.au1.cliniko.com/v1?' }, /^CLINIKO_BASE_URL must be/],
    [{ CLINIKO_BASE_URL: 'https://api.au1.cliniko.com/v1 ' }, /^CLINIKO_BASE_URL must be/],
    [{ ALLOWED_ORIGINS: 'https://a.example/path' }, /^ALLOWED_ORIGINS must be origins with commas/],
    [{ CLINIKO_ORGANIZATION_ID: '123' }, /^CLINIKO_API_KEY must be set too/],
    [{ CLINIKO_API_KEY: 'k' }, /^CLINIKO_ORGANIZATION_ID must be set too/],
    [{ DATABASE_URL: 'postgres://u:p@h/d' }, /^CREDENTIALS_KEY must be set with DATABASE_URL/],
    [
      { BOOTSTRAP_ADMIN_TOKEN: ADMIN, AUTH: 'none' },
      /^AUTH must not be none while BOOTSTRAP_ADMIN_TOKEN is set/,
    ],
    [{ BOOTSTRAP_ADMIN_TOKEN: 'short' }, /^BOOTSTRAP_ADMIN_TOKEN must be at least 32 printable characters/],
    [{ TRUSTED_PROXIES: '10.0.0.0/33' }, /^TRUSTED_PROXIES must be addresses or networks with commas/],
    [{ TRUSTED_PROXIES: 'proxy.example' }, /^TRUSTED_PROXIES must be/],
    [
      { CREDENTIALS_KEY_FILE: '/nowhere/key' },
      /^CREDENTIALS_KEY_FILE must be .* read \(ENOENT\); it was "\/nowhere/,
    ],
    [
      { DATABASE_URL_FILE: '/dev/null' },
      'DATABASE_URL_FILE must be the path of a file that is not empty; it was "/dev/null".',
    ],
    [
      { BOOTSTRAP_ADMIN_TOKEN_FILE: '/dev/null' },
      /^BOOTSTRAP_ADMIN_TOKEN_FILE must be the path of a file that is not empty/,
    ],
    [
      { CLINIKO_API_KEY: 'k', CLINIKO_API_KEY_FILE: '/k' },
      'CLINIKO_API_KEY and CLINIKO_API_KEY_FILE are both set; set one of them.',
    ],
  ] as const)('%j stops the start with one line', ([environment, message]) => {
    const reading = () => read(environment);
    expect(reading).toThrow(ConfigError);
    expect(reading).toThrow(message);
    expect(reading).not.toThrow(/\n/);
  });

  test.for([
    [{ DATABASE_URL: 'mysql://user:secret@host' }],
    [{ CREDENTIALS_KEY: 'c2VjcmV0' }],
    [{ NATS_URL: 'nats://user:secret@' }],
    [{ NATS_URL: 'nats://user:secret@one,tls://two' }],
    [{ NATS_URL: 'https://user:secret@one' }],
    [{ CLINIKO_ORGANIZATION_ID: '1', CLINIKO_API_KEY: 'a secret' }],
    [{ BOOTSTRAP_ADMIN_TOKEN: 'secret' }],
  ] as const)('that is a secret is not shown: %j', ([environment]) => {
    expect(() => read(environment)).toThrow(/it was something else\.$|^DATABASE_URL must look like/);
    expect(() => read(environment)).not.toThrow(/secret|c2Vjc/);
  });
});

describe('an address that is refused', () => {
  test.for([
    [{ CLINIKO_BASE_URL: 'http://user:secret@cliniko.example/v1' }],
    [{ CLINIKO_BASE_URL: 'https://cliniko.example/v2?key=secret' }],
    [{ ALLOWED_ORIGINS: 'https://a.example,https://user:se/secret@b.example' }],
    [{ JWT_JWKS_URL: 'http://user:secret@id.example/keys' }],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://user:secret@collector' }],
    [{ CLINIKO_CONTACT_EMAIL: 'user:secret@host' }],
    [{ CLINIKO_BASE_URL: 'https://user:my secret@cliniko.example/v1' }],
    [{ CLINIKO_BASE_URL: 'https:/user:secret@cliniko.example/v1' }],
    [{ PUBLIC_URL: 'user:a/secret@host' }],
    [{ HOST: 'postgres://user:secret@host/d' }],
    [{ DATABASE_URL_FILE: 'postgres://user:secret@host/d' }],
    [{ CREDENTIALS_KEY_FILE: 'secretsecretsecretsecretsecretsecretsecrets=' }],
    [{ CREDENTIALS_KEY_FILE: '/secretsecretsecretsecretsecretsecretsecret=' }],
    [{ BOOTSTRAP_ADMIN_TOKEN_FILE: 'secretsecretsecretsecretsecretsecretsecret' }],
  ] as const)('is shown without user, password and query: %j', ([environment]) => {
    expect(() => read(environment)).toThrow(ConfigError);
    expect(() => read(environment)).not.toThrow(/secret/);
  });

  test('is not shown either when it was written as an argument', () => {
    expect(() => read({}, ['DATABASE_URL=postgres://u:secret@h/d'])).toThrow(
      'Unknown argument "DATABASE_URL…"',
    );
    expect(() => read({}, ['postgres://u:secret@h/d'])).not.toThrow(/secret/);
  });
});

describe('a secret in a file', () => {
  test.for([
    ['', '\n'],
    ['\ufeff', '\r\n'],
  ])(
    'is read from the path in NAME_FILE, without %j before it and %j behind it',
    async ([before, behind]) => {
      const folder = await newFolder();
      const secrets = {
        CREDENTIALS_KEY: KEY,
        DATABASE_URL: 'postgres://u:p@h/d',
        CLINIKO_API_KEY: 'k-au1',
        BOOTSTRAP_ADMIN_TOKEN: ADMIN,
      };
      const files = Object.entries(secrets).map(([name, value]) => {
        const file = join(folder, name);
        writeFileSync(file, `${before}${value}${behind}`);
        return [`${name}_FILE`, file];
      });
      expect(read({ ...Object.fromEntries(files), CLINIKO_ORGANIZATION_ID: '123' })).toMatchObject({
        credentialsKey: Buffer.from(KEY, 'base64'),
        databaseUrl: 'postgres://u:p@h/d',
        clinic: { organizationId: 123, apiKey: 'k-au1' },
        bootstrapAdminToken: ADMIN,
        auth: 'tokens',
      });
    },
  );
});

describe('a command line', () => {
  test('accepts the log level, and rejects unknown arguments', () => {
    expect(read({}, ['--log-level=DEBUG'])).toMatchObject({ logLevel: 'debug' });
    expect(() => read({}, ['--nope'])).toThrow('Unknown argument "--nope".');
    expect(() => read({}, ['--log-level', 'debug'])).toThrow(ConfigError);
  });
});
