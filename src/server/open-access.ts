/** Assembles the parts of a server that decide who may do what: authentication, row-level security and the audit log. */
import { BOOTSTRAP_TOKEN_NAME, hashOf, listTokens, storeBootstrapToken } from '../access/api-tokens.ts';
import { createAuthenticator } from '../access/authenticate.ts';
import { deleteOldSessions } from '../access/browser-sessions.ts';
import { deleteOldResponses } from '../access/idempotency.ts';
import { createJwtVerifier } from '../access/jwt.ts';
import { openIdentityProvider } from '../access/oidc-provider.ts';
import { createPendingSignIns } from '../access/pending-sign-in.ts';
import { createRateLimits } from '../access/rate-limits.ts';
import { createRowLevelSecurity } from '../access/row-level-security.ts';
import { createStreamSessions } from '../access/stream-sessions.ts';
import { createStreamTokens, streamSigningKey } from '../access/stream-tokens.ts';
import { startAuditRetention } from '../audit/retention.ts';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/open.ts';
import { readOwnObjects } from '../database/own-objects.ts';
import { watchRoles } from '../database/role-watch.ts';
import type { Logger } from '../logging/logger.ts';
import type { ServerDatabase } from './open-database.ts';

/** @param atEnd takes what stops a part */
export async function openAccess(
  config: Config,
  logger: Logger,
  serverDatabase: ServerDatabase,
  atEnd: (cleanup: () => void) => void,
) {
  const { database, credentialsKey, roles } = serverDatabase;
  const { bootstrapAdminToken, previousCredentialsKey: previousKey } = config;
  const bootstrapHash = bootstrapAdminToken === undefined ? undefined : hashOf(bootstrapAdminToken);
  const streamTokens = createStreamTokens(
    streamSigningKey(credentialsKey),
    config.streamTokenSeconds,
    previousKey && streamSigningKey(previousKey),
  );
  const verifyJwt = config.jwt && createJwtVerifier(config.jwt);
  const rowLevelSecurity = await createRowLevelSecurity(database, logger);
  const roleWatch = watchRoles(database, await readOwnObjects(), roles, logger);
  atEnd(roleWatch.stop);
  atEnd(await startAuditRetention(database, config.auditRetentionDays, logger));
  atEnd(await deleteOldResponses(database, logger));
  atEnd(await deleteOldSessions(database, logger));
  if (bootstrapAdminToken !== undefined) await storeBootstrapToken(database, bootstrapAdminToken);
  if (verifyJwt === undefined) await warnAboutTokens(database, config.auth, bootstrapHash, logger);
  const sessions = createStreamSessions(database, logger, bootstrapHash);
  atEnd(() => sessions.stop());
  return {
    rowLevelSecurity,
    otherRoles: roleWatch.read,
    sessions,
    streamTokens,
    bootstrapHash,
    limits: createRateLimits(config.limits),
    // The library is loaded only when a provider is configured.
    oidc: config.oidc && {
      provider: await openIdentityProvider(config.oidc),
      pendingSignIns: createPendingSignIns(credentialsKey, config.basePath, previousKey),
    },
    authenticator:
      config.auth === 'none'
        ? undefined
        : createAuthenticator(database, streamTokens, verifyJwt, bootstrapHash),
  };
}

/** Where `AUTH` and the stored tokens do not fit together. */
async function warnAboutTokens(
  database: Database,
  auth: Config['auth'],
  bootstrapHash: string | undefined,
  logger: Logger,
): Promise<void> {
  const isAccepted = ({ name, state }: { name: string; state: string }) =>
    state === 'valid' && (name !== BOOTSTRAP_TOKEN_NAME || bootstrapHash !== undefined);
  const hasTokens = (await listTokens(database)).some(isAccepted);
  if (hasTokens === (auth === 'tokens')) return;
  logger.warn(
    hasTokens
      ? 'AUTH is none, although there are API tokens: no request needs one, and each may do everything. Set AUTH=tokens to require them.'
      : "AUTH is tokens, and there is no token yet: every request is refused. Create one: npm run tokens -- create --name admin --organizations '*' --scope admin",
  );
}
