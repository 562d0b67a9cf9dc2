/** A server with AUTH=tokens, and two clinics that have nothing to do with each other. */
import { onTestFinished } from 'vitest';
import { createToken, type NewToken, revokeToken } from '../../../src/access/api-tokens.ts';
import { type Database, openDatabase } from '../../../src/database/open.ts';
import { putJson, startTestServer, type TestServer, type TestServerOptions } from '../../support/server.ts';

export const OURS = 101;
export const THEIRS = 202;

export interface GuardedServer extends TestServer {
  database: Database;
  admin: string;
  token(wish?: Partial<NewToken>): Promise<string>;
  /** With its id, to revoke it. */
  newToken(wish?: Partial<NewToken>): Promise<{ id: number; token: string }>;
  revoke(id: number): Promise<boolean>;
  /** A request below `/api/v1` with a token. */
  as(token: string | undefined, path: string, init?: RequestInit): Promise<Response>;
  streamUrl(organizationId: number, query?: string): string;
}

export async function startGuardedServer(
  databaseUrl: string,
  options: TestServerOptions = {},
): Promise<GuardedServer> {
  const { config = {}, organizations = [OURS, THEIRS], ...rest } = options;
  const settings: TestServerOptions['config'] = { auth: 'tokens', ...config };
  const server = await startTestServer(databaseUrl, { ...rest, organizations: [], config: settings });
  const database = openDatabase(databaseUrl, { max: 2 });
  onTestFinished(() => database.close());
  const newToken = (wish: Partial<NewToken> = {}) =>
    createToken(database, { name: 'Test', scope: 'read', organizations: [OURS], expiresInDays: 1, ...wish });
  const token = async (wish?: Partial<NewToken>) => (await newToken(wish)).token;
  const as: GuardedServer['as'] = (bearer, path, init = {}) => {
    const headers = new Headers(init.headers);
    if (bearer !== undefined) headers.set('authorization', `Bearer ${bearer}`);
    return server.api(path, { ...init, headers });
  };
  const admin = await token({ name: 'Administrator', scope: 'admin', organizations: '*' });
  for (const id of organizations) await register((path, init) => as(admin, path, init), id, server);
  return {
    ...server,
    database,
    admin,
    newToken,
    token,
    revoke: (id) => revokeToken(database, id),
    as,
    streamUrl: (id, query = '') => `${server.url}/api/v1/cliniko/sync-logs/${id}/events${query}`,
  };
}

async function register(api: TestServer['api'], id: number, server: TestServer): Promise<void> {
  await putJson(api, `/organizations/${id}`, { name: nameOf(id) });
  await putJson(api, `/organizations/${id}/cliniko-credentials`, { api_key: server.cliniko.apiKey });
}

/** Found again wherever it leaks. */
export const nameOf = (organizationId: number) => `Clinic canary${organizationId}`;
