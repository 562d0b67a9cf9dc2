import { describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '../src/config.ts';

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
    expect(read({ PORT: '', HOST: '' })).toMatchObject({ port: 8000, host: '127.0.0.1' });
  });
});

describe('a good value', () => {
  test.for([
    [{ PORT: '0' }, { port: 0 }],
    [{ PORT: '65535' }, { port: 65_535 }],
    [{ HOST: '::1' }, { host: '::1' }],
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
    [{ DATABASE_URL: 'postgres://u:p@h/d', CREDENTIALS_KEY: KEY }, { databaseUrl: 'postgres://u:p@h/d' }],
  ] as const)('%j is taken', ([environment, expected]) => {
    expect(read(environment)).toMatchObject(expected);
  });

  test('of the command line wins, in any case', () => {
    expect(read({ LOG_LEVEL: 'warn' }, ['--log-level=DEBUG'])).toMatchObject({ logLevel: 'debug' });
  });
});

describe('a bad value', () => {
  test.for([
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
    [{ JWT_JWKS_URL: 'http://id.example/keys' }, /^JWT_JWKS_URL must be the https address of a JWKS/],
    [{ JWT_ALGORITHMS: 'RS256,none' }, /^JWT_ALGORITHMS must be a list of RS256/],
    [{ JWT_ALGORITHMS: 'HS256' }, /^JWT_ALGORITHMS must be a list of RS256/],
    [{ STREAM_TOKEN_SECONDS: '601' }, /^STREAM_TOKEN_SECONDS must be a whole number from 5 to 600/],
    [
      { CLINIKO_BASE_URL: 'http://api.cliniko.com/v1' },
      /^CLINIKO_BASE_URL must be an https address with its \/v1/,
    ],
    [{ CLINIKO_BASE_URL: 'https://api.au1.cliniko.com' }, /^CLINIKO_BASE_URL must be/],
    [{ ALLOWED_ORIGINS: 'https://a.example/path' }, /^ALLOWED_ORIGINS must be origins with commas/],
    [{ CLINIKO_ORGANIZATION_ID: '123' }, /^CLINIKO_API_KEY must be set too/],
    [{ CLINIKO_API_KEY: 'k' }, /^CLINIKO_ORGANIZATION_ID must be set too/],
    [{ DATABASE_URL: 'postgres://u:p@h/d' }, /^CREDENTIALS_KEY must be set with DATABASE_URL/],
  ] as const)('%j stops the start with one line', ([environment, message]) => {
    const reading = () => read(environment);
    expect(reading).toThrow(ConfigError);
    expect(reading).toThrow(message);
    expect(reading).not.toThrow(/\n/);
  });

  test.for([
    [{ DATABASE_URL: 'mysql://user:secret@host' }],
    [{ CREDENTIALS_KEY: 'c2VjcmV0' }],
    [{ CLINIKO_ORGANIZATION_ID: '1', CLINIKO_API_KEY: 'a secret' }],
  ] as const)('that is a secret is not shown: %j', ([environment]) => {
    expect(() => read(environment)).toThrow(/it was something else\.$/);
    expect(() => read(environment)).not.toThrow(/secret|c2Vjc/);
  });
});

describe('a command line', () => {
  test('takes the level of the log, and refuses what it does not know', () => {
    expect(read({}, ['--log-level=DEBUG'])).toMatchObject({ logLevel: 'debug' });
    expect(() => read({}, ['--nope'])).toThrow('Unknown argument "--nope".');
    expect(() => read({}, ['--log-level', 'debug'])).toThrow(ConfigError);
  });
});
