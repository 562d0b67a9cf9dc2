/** The environment variables that control who may reach the server, and the limits of one client. */
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';
import { STREAM_TOKEN_SECONDS } from '#contract/access.ts';
import { parseWholeNumber } from '#contract/whole-number.ts';
import { JWT_ALGORITHMS, type JwtConfig } from '../access/jwt.ts';
import type { OidcConfig } from '../access/oidc-provider.ts';
import type { RateLimitConfig } from '../access/rate-limits.ts';
import { isLoopbackAddress } from '../access/same-origin.ts';
import { withoutSecrets } from '../logging/without-secrets.ts';
import { ConfigError, isSafeAddress, oneOf, type Read, type Rule, text, wholeNumber } from './rules.ts';

export interface AccessConfig {
  port: number;
  host: string;
  /** `/sync`: everything is served below it; '' at the root. */
  basePath: string;
  /** Where people open the pages, with its path: links in notifications begin with it; undefined: learned from requests. */
  publicUrl: string | undefined;
  /** `none`: every program on this machine; `tokens`: requests that carry one. */
  auth: 'none' | 'tokens';
  /** Accepted as an admin token while there is no other one. */
  bootstrapAdminToken: string | undefined;
  /** An identity provider whose JWTs are accepted too. */
  jwt: JwtConfig | undefined;
  /** An identity provider where people sign in to the pages. */
  oidc: OidcConfig | undefined;
  streamTokenSeconds: number;
  limits: RateLimitConfig & {
    /** TCP connections at once, in all. */
    connections: number;
    /** TCP connections at once of one address that is no trusted proxy. */
    connectionsPerAddress: number;
  };
  allowedOrigins: readonly string[];
  /** Proxies whose `X-Forwarded-For` names the client. */
  trustedProxies: BlockList;
  /** How long an idle connection is kept for the next request. */
  keepAliveMs: number;
}

export function readAccessConfig(read: Read): AccessConfig {
  const bootstrapAdminToken = read('BOOTSTRAP_ADMIN_TOKEN', adminToken, undefined);
  const auth = readAuth(read, bootstrapAdminToken);
  const port = read('PORT', wholeNumber(0, 65_535), undefined);
  // A platform that sets PORT sends its requests from another machine.
  const host = read('HOST', listenHost, port !== undefined && auth === 'tokens' ? '0.0.0.0' : '127.0.0.1');
  if (auth === 'none' && !isLoopbackAddress(host)) {
    throw new ConfigError(
      `HOST must be a loopback address (127.0.0.1, localhost or ::1) while AUTH is none; it was "${withoutSecrets(host).slice(0, 100)}".`,
    );
  }
  return {
    port: port ?? 8000,
    host,
    ...readPageAddress(read),
    auth,
    bootstrapAdminToken,
    jwt: readJwt(read),
    oidc: readOidc(read, auth),
    streamTokenSeconds: read(
      'STREAM_TOKEN_SECONDS',
      wholeNumber(5, STREAM_TOKEN_SECONDS),
      STREAM_TOKEN_SECONDS,
    ),
    limits: readLimits(read),
    allowedOrigins: read('ALLOWED_ORIGINS', origins, []),
    trustedProxies: read('TRUSTED_PROXIES', addresses, new BlockList()),
    keepAliveMs: read('KEEP_ALIVE_MS', wholeNumber(1_000, 3_600_000), 75_000),
  };
}

function readPageAddress(read: Read): Pick<AccessConfig, 'basePath' | 'publicUrl'> {
  const path = read('BASE_PATH', basePath, '');
  const address = read('PUBLIC_URL', publicUrl, undefined);
  if (address === undefined || address.endsWith(path)) return { basePath: path, publicUrl: address };
  throw new ConfigError(
    `PUBLIC_URL must end with BASE_PATH, which is "${path}", because proxies pass addresses on unchanged; it was "${withoutSecrets(address).slice(0, 100)}".`,
  );
}

function readAuth(read: Read, bootstrapAdminToken: string | undefined): AccessConfig['auth'] {
  const auth = read('AUTH', oneOf(['none', 'tokens']), undefined);
  if (auth === 'none' && bootstrapAdminToken !== undefined) {
    throw new ConfigError(
      'AUTH must not be none while BOOTSTRAP_ADMIN_TOKEN is set: set AUTH=tokens, or remove BOOTSTRAP_ADMIN_TOKEN.',
    );
  }
  return auth ?? (bootstrapAdminToken === undefined ? 'none' : 'tokens');
}

function readLimits(read: Read): AccessConfig['limits'] {
  const connections = read('LIMIT_CONNECTIONS', wholeNumber(1, 1_000_000), 25_000);
  return {
    requestsPerToken: read('LIMIT_REQUESTS_PER_TOKEN', wholeNumber(1, 10_000_000), 12_000),
    requestsPerOrganization: read('LIMIT_REQUESTS_PER_ORGANIZATION', wholeNumber(1, 10_000_000), 12_000),
    badTokensPerAddress: read('LIMIT_BAD_TOKENS_PER_ADDRESS', wholeNumber(1, 10_000_000), 1_200),
    streamsPerToken: read('LIMIT_STREAMS_PER_TOKEN', wholeNumber(1, 1_000_000), 5_000),
    streamsPerOrganization: read('LIMIT_STREAMS_PER_ORGANIZATION', wholeNumber(1, 1_000_000), 5_000),
    streams: read('LIMIT_STREAMS', wholeNumber(1, 1_000_000), 20_000),
    connections,
    // Half: one address never takes every connection, and a proxy missing from TRUSTED_PROXIES still has many.
    connectionsPerAddress: read(
      'LIMIT_CONNECTIONS_PER_ADDRESS',
      wholeNumber(1, 1_000_000),
      Math.ceil(connections / 2),
    ),
  };
}

/** An IPv6 address may have the brackets that it has in a URL; a socket takes it without them. */
const listenHost: Rule<string> = {
  schema: z
    .string()
    .max(255)
    .transform((host) => host.replace(/^\[(.+)\]$/, '$1')),
  mayBe: 'an address of this machine, such as 127.0.0.1 or 0.0.0.0',
};

const basePath: Rule<string> = {
  schema: z
    .string()
    .regex(/^(\/[\w~-][\w.~-]*)*\/?$/)
    .transform((path) => path.replace(/\/$/, '')),
  mayBe: 'a path such as /sync, of letters, digits, dots, dashes and slashes',
};

const publicUrl: Rule<string> = {
  schema: z
    .string()
    .max(500)
    .refine((value) => URL.canParse(value) && isPageAddress(new URL(value)))
    .transform((value) => new URL(value).href.replace(/\/+$/, '')),
  mayBe:
    'the address at which people open the pages, such as https://sync.example.com, with its path and without a query',
};

const isPageAddress = ({ protocol, username, password, search, hash }: URL): boolean =>
  /^https?:$/.test(protocol) && [username, password, search, hash].every((part) => part === '');

const adminToken: Rule<string> = {
  schema: z.string().regex(/^[\x21-\x7e]{32,512}$/),
  mayBe: 'at least 32 printable characters without a space, as `openssl rand -hex 32` makes them',
};

const addresses: Rule<BlockList> = {
  schema: z.string().transform((list, context) => {
    const block = new BlockList();
    for (const entry of list.split(',').map((one) => one.trim())) {
      if (!addAddress(block, entry)) context.addIssue('not an address');
    }
    return block;
  }),
  mayBe: 'addresses or networks with commas, such as 127.0.0.1,10.0.0.0/8',
};

function addAddress(block: BlockList, entry: string): boolean {
  const [address = '', prefix, ...rest] = entry.split('/');
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  const type = family === 4 ? 'ipv4' : 'ipv6';
  if (prefix === undefined) {
    block.addAddress(address, type);
    return true;
  }
  const bits = parseWholeNumber(prefix, 0, family === 4 ? 32 : 128);
  if (bits !== undefined) block.addSubnet(address, bits, type);
  return bits !== undefined;
}

const origins: Rule<string[]> = {
  schema: z
    .string()
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .refine((list) => list.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)),
  mayBe: 'origins with commas, such as https://admin.example.com',
};

const jwksUrl: Rule<string> = {
  schema: z.string().refine((value) => URL.canParse(value) && isSafeAddress(new URL(value))),
  mayBe: 'the https address of a JWKS (plain http only for loopback)',
};

const issuer: Rule<string> = {
  schema: z.string().refine((value) => {
    if (!URL.canParse(value)) return false;
    const url = new URL(value);
    return isSafeAddress(url) && url.search === '' && url.hash === '' && url.username === '';
  }),
  mayBe: 'the https address of an OpenID Connect issuer, such as https://accounts.example.com',
};

const algorithms: Rule<string[]> = {
  schema: z
    .string()
    .transform((list) => list.split(',').map((name) => name.trim()))
    .pipe(z.array(z.enum(JWT_ALGORITHMS))),
  mayBe: `a list of ${JWT_ALGORITHMS.join(', ')}`,
};

function readOidc(read: Read, auth: AccessConfig['auth']): OidcConfig | undefined {
  const given = read('OIDC_ISSUER', issuer, undefined);
  const clientId = read('OIDC_CLIENT_ID', text(500), undefined);
  const clientSecret = read('OIDC_CLIENT_SECRET', text(2_048), undefined);
  if (given === undefined && clientId === undefined && clientSecret === undefined) return undefined;
  if (given === undefined || clientId === undefined) {
    const missing = given === undefined ? 'OIDC_ISSUER' : 'OIDC_CLIENT_ID';
    throw new ConfigError(`${missing} must be set too: OIDC_ISSUER and OIDC_CLIENT_ID go together.`);
  }
  if (auth === 'none') {
    throw new ConfigError(
      'AUTH must be tokens while OIDC_ISSUER is set: without accounts there is no sign-in.',
    );
  }
  return { issuer: given, clientId, clientSecret };
}

const JWT_VARIABLES = ['JWT_ISSUER', 'JWT_AUDIENCE', 'JWT_JWKS_URL'] as const;

function readJwt(read: Read): JwtConfig | undefined {
  const issuer = read('JWT_ISSUER', text(2_048), undefined);
  const audience = read('JWT_AUDIENCE', text(2_048), undefined);
  const address = read('JWT_JWKS_URL', jwksUrl, undefined);
  const settings = {
    algorithms: read('JWT_ALGORITHMS', algorithms, ['RS256', 'PS256', 'ES256', 'EdDSA']),
    organizationsClaim: read('JWT_ORGANIZATIONS_CLAIM', text(200), 'patient_sync_organizations'),
    scopeClaim: read('JWT_SCOPE_CLAIM', text(200), 'patient_sync_scope'),
  };
  const given = { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_JWKS_URL: address };
  const missing = JWT_VARIABLES.filter((name) => given[name] === undefined);
  if (missing.length === JWT_VARIABLES.length) return undefined;
  if (issuer === undefined || audience === undefined || address === undefined) {
    throw new ConfigError(`${missing[0]} must be set too: ${JWT_VARIABLES.join(', ')} go together.`);
  }
  return { issuer, audience, jwksUrl: address, ...settings };
}
